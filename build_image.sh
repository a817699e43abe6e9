#!/usr/bin/env bash
set -euo pipefail
usage() {
  cat <<'TEXT'
Builds a container image with docker or podman, and lists its packages.

Usage: build_image.sh [--target TARGET] [--push] [TAG]

  TAG              name of the image (default: beer-model:latest, or beer-model-server:latest); it is also tagged
                   with the program's version and with the commit
  --target TARGET  api (default) or model-server
  --push           send the version's and the commit's tag to $IMAGE_REGISTRY, such as registry.example.org/team
  -h, --help       this text

The list of packages (CycloneDX, the same bytes for the same packages) is written to dist/NAME-VERSION.cdx.json.
CONTAINER_ENGINE names the program to use; by default docker, else podman.
BASE_IMAGE names the base image, by default python:3.11-slim-bookworm. --push needs one with a digest, such as
python@sha256:64-HEX-DIGITS: a tag can be moved to another image. The label base.name of the image has it.
TEXT
}
die() { echo "build_image.sh: $1" >&2; exit 2; }

target=api push='' tag=''
while [ $# -gt 0 ]; do
  case "$1" in
    -h | --help) usage; exit ;;
    --push) push=yes ;;
    --target) target=${2:?--target needs a name}; shift ;;
    -*) die "unknown option $1; see --help" ;;
    *) [ -z "$tag" ] || die "more than one TAG"; tag=$1 ;;
  esac
  shift
done
case "$target" in
  api) name=beer-model ;;
  model-server) name=beer-model-server ;;
  *) die "--target is api or model-server" ;;
esac
tag=${tag:-$name:latest}
last=${tag##*/}
[[ $last == *:* ]] && image=${tag%:*} || image=$tag # a colon before the last slash is a registry's port
engine=${CONTAINER_ENGINE:-$(command -v docker || command -v podman || true)}
[ -n "$engine" ] || die "neither docker nor podman is installed; name another in CONTAINER_ENGINE"

base=${BASE_IMAGE:-python:3.11-slim-bookworm}
cd "$(dirname "${BASH_SOURCE[0]}")"
version=$(sed -n 's/^__version__ = "\(.*\)"$/\1/p' app/__init__.py)
commit=$(git rev-parse --short=12 HEAD 2>/dev/null || echo unknown)
created=$(git log -1 --format=%cI 2>/dev/null || echo unknown) # the commit's time: the same commit, the same label
if [ -n "$(git status --porcelain 2>/dev/null)" ]; then commit+=-changed; fi
if [ -n "$push" ]; then
  [ -n "${IMAGE_REGISTRY:-}" ] || die "--push needs IMAGE_REGISTRY"
  [[ $base =~ @sha256:[0-9a-f]{64}$ ]] || die "--push needs BASE_IMAGE=NAME@sha256:64-HEX-DIGITS, a base with a digest"
  case "$commit" in *-changed | unknown) die "--push needs a clean checkout: commit your changes first" ;; esac
fi

tags=("$tag" "$image:$version" "$image:$commit")
labels=(version="$version" revision="$commit" created="$created" base.name="$base")
"$engine" build --target "$target" --build-arg BASE="$base" "${tags[@]/#/--tag=}" "${labels[@]/#/--label=org.opencontainers.image.}" .

# Without a name: it stays in the cache.
listing=$("$engine" build --quiet --target sbom --build-arg BASE="$base" --build-arg VERSION="$version" .)
mkdir -p dist
list=dist/$name-$version.cdx.json
container=$("$engine" create "$listing" true)
trap '"$engine" rm "$container" >/dev/null' EXIT
"$engine" cp "$container:/sbom.json" "$list.new"
mv "$list.new" "$list"

if [ -n "$push" ]; then
  for pushed in "$version" "$commit"; do
    "$engine" tag "$tag" "${IMAGE_REGISTRY%/}/${image##*/}:$pushed"
    "$engine" push "${IMAGE_REGISTRY%/}/${image##*/}:$pushed"
  done
  digest=$("$engine" image inspect --format '{{range .RepoDigests}}{{println .}}{{end}}' "$tag" \
    | grep -F "${IMAGE_REGISTRY%/}/${image##*/}@" | head -n 1)
  echo "Pushed $digest"
  if [ -n "${GITHUB_OUTPUT:-}" ]; then # the pipeline signs this image
    printf 'name=%s\ndigest=%s\n' "${digest%@*}" "${digest#*@}" >>"$GITHUB_OUTPUT"
  fi
fi
echo "Built ${tags[*]}; its packages are listed in $list."
