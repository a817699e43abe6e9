#!/usr/bin/env bash
# Pins and hashes every package: requirements*.in to requirements*.txt. Run it after changing a .in file.
# Needs uv (in requirements-dev.txt). What is locked already stays unless --upgrade is given.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
for name in requirements requirements-function requirements-cloud requirements-train requirements-train-pets \
  requirements-lint requirements-dev requirements-bench requirements-sbom requirements-deploy; do
  uv pip compile "$name.in" --output-file "$name.txt" --universal --generate-hashes --python-version 3.11 \
    --no-emit-index-url --custom-compile-command scripts/lock.sh --quiet "$@"
done
