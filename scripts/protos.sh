#!/usr/bin/env bash
# Makes app/rpc/_pb/ from protos/. Run it after changing a .proto file. Needs grpcio-tools (in requirements/dev.txt).
# An argument names another folder to put app/rpc/_pb/ into.
set -euo pipefail
target=$(realpath "${1:-$(dirname "${BASH_SOURCE[0]}")/..}")
cd "$(dirname "${BASH_SOURCE[0]}")/.."
python -m grpc_tools.protoc -Iapp/rpc/_pb=protos --python_out="$target" --pyi_out="$target" \
  app/rpc/_pb/iris.proto app/rpc/_pb/open_inference.proto
