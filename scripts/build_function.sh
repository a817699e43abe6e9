#!/usr/bin/env bash
# Builds dist/function-x86_64.zip and dist/function-arm64.zip for the python3.12 runtime: dependencies from binary
# wheels, the code and the bundles. The same files give the same bytes.
#
#   scripts/build_function.sh [x86_64|arm64]...
#
# PYTHON: any version with pip. PYTHON312: a Python 3.12, which compiles to bytecode; python3.12 by default. Without it
# the function compiles at each cold start, which is the longest part of the start.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
python=${PYTHON:-python3}
compiler=${PYTHON312:-python3.12}
"$compiler" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 12))' 2>/dev/null || compiler=
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

install() { # FOLDER WHEEL_ARCHITECTURE
  # No single platform tag covers all wheels. The C library of the cloud's runtime is glibc 2.34.
  "$python" -m pip install --quiet --disable-pip-version-check --target "$1" --no-compile --no-deps --require-hashes \
    --python-version 3.12 --implementation cp --only-binary=:all: \
    --platform "manylinux2014_$2" --platform "manylinux_2_24_$2" --platform "manylinux_2_28_$2" \
    -r requirements/function.txt
}

# Removes what the function never imports: tools of ONNX Runtime and its C library, tests, types, headers.
trim() { # FOLDER
  rm -rf "${1:?}/bin" "${1:?}/include" "$1"/onnxruntime/{transformers,tools,quantization,datasets,backend}
  rm -f "$1"/onnxruntime/capi/libonnxruntime* "$1"/onnxruntime/ThirdPartyNotices.txt
  rm -rf "$1"/numpy/{f2py,_core/include,_core/lib,random/lib,random/_examples} "$1"/obstore/fsspec.py
  find "$1" -type d \( -name tests -o -name test -o -name __pycache__ \) -prune -exec rm -rf {} +
  find "$1" -type f \( -name '*.pyi' -o -name '*.pxd' -o -name RECORD -o -name INSTALLER -o -name REQUESTED \) -delete
}

build() { # ARCHITECTURE WHEEL_ARCHITECTURE
  local folder=$work/$1
  install "$folder" "$2"
  trim "$folder"
  cp -R app "$folder/app"
  # Images need Pillow, half as large as all other packages together. The page for browsers is served by the program.
  rm -rf "$folder"/app/{serving,rpc,cli,page,main.py,__main__.py} "$folder/app/domains/pets"
  mkdir "$folder/models"
  cp -R models/beer-ibu* models/iris* "$folder/models"
  find "$folder/app" -type d -name __pycache__ -prune -exec rm -rf {} +
  if [ -n "$compiler" ]; then
    PYTHONHASHSEED=0 "$compiler" -m compileall -q --invalidation-mode unchecked-hash -s "$folder" -p /var/task "$folder"
  else
    echo "no python3.12 here: no bytecode in dist/function-$1.zip; see PYTHON312" >&2
  fi
  "$python" scripts/pack.py "$folder" "dist/function-$1.zip"
}

mkdir -p dist
for architecture in "${@:-x86_64 arm64}"; do
  for name in $architecture; do
    case $name in
      x86_64) build x86_64 x86_64 ;;
      arm64) build arm64 aarch64 ;;
      *) echo "unknown architecture: $name; x86_64 or arm64" >&2; exit 2 ;;
    esac
  done
done
