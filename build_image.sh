#!/usr/bin/env bash
# Builds the container image. Usage: build_image.sh [TAG]   (default: beer-model:latest)
set -euo pipefail
case "${1:-}" in -h | --help) sed -n '2p' "$0" | cut -c3-; exit ;; esac
cd "$(dirname "${BASH_SOURCE[0]}")"
engine=${CONTAINER_ENGINE:-$(command -v docker || command -v podman)}
exec "$engine" build --tag "${1:-beer-model:latest}" .
