#!/usr/bin/env bash
# Pins the packages of pyproject.toml in uv.lock, and exports a requirements file with hashes for each group.
# Usage: lock.sh [--upgrade | --upgrade-package NAME]...
#        lock.sh --check   change nothing; exit with status 1 if a file is out of date (works offline)
# Needs the version of uv that requirements/dev.txt installs: other versions format the files differently.
set -euo pipefail
case "${1:-}" in -h | --help) sed -n '2,5p' "$0" | cut -c3-; exit ;; esac
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# PyPI only: the indexes of one machine must not get into the files.
export UV_NO_CONFIG=1 UV_CUSTOM_COMPILE_COMMAND=scripts/lock.sh
unset UV_DEFAULT_INDEX UV_EXTRA_INDEX_URL UV_FIND_LINKS UV_INDEX UV_INDEX_URL

export_file() { # FILE EXTRAS FLAGS... With EXTRAS, "coverage[toml]" replaces "coverage".
  local file=$1 extras=$2 each edits=()
  shift 2
  # pip before 23.3 installs a package with extras only if they stand in the file too, and uv leaves them out.
  for each in $extras; do edits+=(-e "s/^${each%%[*}==/$each==/"); done
  {
    echo "# Made by scripts/lock.sh from uv.lock: change pyproject.toml and run it."
    uv export --quiet --frozen --no-header --no-emit-project "$@" | sed -e '' "${edits[@]}"
  } >"$out/$file"
}

export_all() {
  mkdir -p "$out/requirements"
  export_file requirements.txt ""
  export_file requirements/train.txt "" --group train
  export_file requirements/train-pets.txt \
    "cuda-toolkit[cublas,cudart,cufft,cufile,cupti,curand,cusolver,cusparse,nvjitlink,nvrtc,nvtx]" --group train-pets
  export_file requirements/dev.txt "coverage[toml] urllib3[socks]" --group dev
  export_file requirements/cloud.txt "" --group cloud
  export_file requirements/clients.txt "" --group clients
  export_file requirements/deploy.txt "" --group deploy
  export_file requirements/otel.txt "" --group otel
  export_file requirements/function.txt "" --only-group function
  export_file requirements/lint.txt "" --only-group lint
  export_file requirements/parquet.txt "" --only-group parquet
  export_file requirements/sbom.txt "cyclonedx-python-lib[validation] jsonschema[format-nongpl]" --only-group sbom
  export_file requirements/scale.txt "" --only-group scale
  export_file requirements/tox.txt "" --only-group tox
}

if [ "${1:-}" = --check ]; then
  out=$(mktemp -d)
  trap 'rm -rf "$out"' EXIT
  uv lock --quiet --check --offline || { echo "uv.lock is out of date: run scripts/lock.sh" >&2; exit 1; }
  export_all
  for file in requirements.txt requirements/{train,train-pets,dev,clients,cloud,deploy,otel,function,lint,parquet,sbom,scale,tox}.txt; do
    cmp --quiet "$out/$file" "$file" || { echo "$file is out of date: run scripts/lock.sh" >&2; exit 1; }
  done
  exit
fi

out=.
uv lock "$@"
export_all
# The servers that `python -m benchmarks --peers` compares with need an older FastAPI, so they are not in uv.lock.
printf '%s\n' litserve mlserver numpy onnxruntime | uv pip compile --quiet --universal --generate-hashes \
  --python-version 3.11 --no-emit-index-url --no-strip-extras --output-file requirements/bench.txt "$@" - >/dev/null
