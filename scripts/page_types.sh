#!/usr/bin/env bash
# Makes app/page/api.d.ts, the types of the brewer's page, from the OpenAPI document. Run it after changing a schema of
# the beer's routes. Needs npm, or the programs of `tox -e clients` in the folder CLIENTS_BIN.
# An argument names another file to write.
set -euo pipefail
target=$(realpath "${1:-$(dirname "${BASH_SOURCE[0]}")/../app/page/api.d.ts}")
cd "$(dirname "${BASH_SOURCE[0]}")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
if [ -z "${CLIENTS_BIN:-}" ]; then
  cp requirements/npm/clients/package*.json "$work"
  npm ci --prefix "$work" --ignore-scripts --no-audit --no-fund --loglevel=error
  CLIENTS_BIN=$work/node_modules/.bin
fi
python scripts/page_schema.py >"$work/openapi.json"
(cd "$work" && "$CLIENTS_BIN/openapi-typescript" openapi.json --output types.ts >/dev/null)
{
  echo "// Made by scripts/page_types.sh: run it after changing a schema of the beer's routes."
  echo "// Schemas: $(python scripts/page_schema.py --digest)"
  sed -e '1,/^ \*\/$/d' -e '/./,$!d' "$work/types.ts"
} >"$work/api.d.ts"
install -m 644 "$work/api.d.ts" "$target"
