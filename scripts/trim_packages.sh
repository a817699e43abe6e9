#!/usr/bin/env bash
# Removes files that the service never opens from a folder of installed packages: a quarter of its size.
# Usage: trim_packages.sh SITE-PACKAGES
set -euo pipefail
case "${1:-}" in -h | --help) sed -n '2,3p' "$0" | cut -c3-; exit ;; esac
cd "$1"
# libonnxruntime.so is for programs in C; the Python module contains the whole runtime.
rm -rf onnxruntime/{transformers,tools,quantization,backend,datasets} onnxruntime/capi/libonnxruntime.so.*
# Compilers, and files for compiling against NumPy.
rm -rf numpy/{distutils,f2py,_pyinstaller} numpy/_core/{include,lib}
# /docs shows Swagger UI only.
rm -rf fastapi_offline/static/redoc.standalone.js
find . -type d \( -name tests -o -name testdata -o -name '*-stubs' -o -name __pycache__ \) -prune -exec rm -rf {} +
find . -type f \( -name '*.pyi' -o -name '*.pxd' -o -name '*.pyx' -o -name '*.h' -o -name '*.c' -o -name '*.a' \) -delete
