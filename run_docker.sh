#!/usr/bin/env bash
# Runs the image with the settings of .env. Usage: run_docker.sh [TAG]   (default: beer-model:latest)
set -euo pipefail
case "${1:-}" in -h | --help) sed -n '2p' "$0" | cut -c3-; exit ;; esac
cd "$(dirname "${BASH_SOURCE[0]}")"
engine=${CONTAINER_ENGINE:-$(command -v docker || command -v podman)}
[ -f .env ] || { echo "There is no .env: copy .env.example and set API_KEY." >&2; exit 2; }
exec "$engine" run --rm --interactive --env-file .env --env HOST=0.0.0.0 --env PORT=8000 \
  --publish 127.0.0.1:"${PORT:-8000}":8000 --read-only --cap-drop ALL --security-opt no-new-privileges \
  --name beer-model "${1:-beer-model:latest}"
