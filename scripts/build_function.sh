#!/usr/bin/env bash
# Builds dist/function-x86_64.zip for the python3.12 runtime from binary wheels, the code and the bundles.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
python=${PYTHON:-python3}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# Neither platform tag alone finds a whole set of wheels.
"$python" -m pip install --quiet --target "$work" --python-version 3.12 --implementation cp --only-binary=:all: \
  --platform manylinux2014_x86_64 --platform manylinux_2_28_x86_64 --no-compile --require-hashes -r requirements-function.txt
cp -r app models "$work"
find "$work" \( -name __pycache__ -o -name tests -o -name test \) -prune -exec rm -rf {} +
rm -rf "$work"/bin "$work"/onnxruntime/{transformers,tools,quantization}
mkdir -p dist
rm -f dist/function-x86_64.zip
(cd "$work" && "$python" -m zipfile -c "$OLDPWD/dist/function-x86_64.zip" ./*)
ls -l dist/function-x86_64.zip
