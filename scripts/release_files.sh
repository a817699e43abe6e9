#!/usr/bin/env bash
# Writes the files of a release to dist/release (function zips, a tar of each bundle, SHA256SUMS) and the section of
# the changelog to dist/notes.md. Usage: release_files.sh vVERSION
set -euo pipefail
case "${1:-}" in -h | --help | '') sed -n '2,3p' "$0" | cut -c3-; exit 2 ;; esac
cd "$(dirname "${BASH_SOURCE[0]}")/.."
version=$(sed -n 's/^__version__ = "\(.*\)"$/\1/p' app/__init__.py)
[ "$1" = "v$version" ] || { echo "release_files.sh: the tag is $1, app/__init__.py has $version" >&2; exit 2; }
rm -rf dist/release
mkdir -p dist/release
awk -v head="## $version" '$0 == head || index($0, head " ") == 1 { on = 1; next } /^## / { on = 0 } on' CHANGELOG.md >dist/notes.md
grep -q '[^[:space:]]' dist/notes.md || { echo "release_files.sh: CHANGELOG.md has no section $version" >&2; exit 2; }

for bundle in models/*/*/SHA256SUMS; do
  folder=$(dirname "$bundle")
  name=$(basename "$(dirname "$folder")")
  # The same bundle gives the same bytes. Unpack it in the models folder.
  tar --create --sort=name --owner=0 --group=0 --numeric-owner --mode=a+rX,go-w --mtime=@0 --directory models \
    "${folder#models/}" | gzip --no-name >"dist/release/$name-$(basename "$folder").tar.gz"
done
scripts/build_function.sh
cp dist/function-*.zip dist/release/
(cd dist/release && sha256sum -- * >../SHA256SUMS && cp ../SHA256SUMS .)
echo "dist/release:"
ls dist/release
