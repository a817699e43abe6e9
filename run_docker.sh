#!/usr/bin/env bash
set -euo pipefail
usage() {
  cat <<'TEXT'
Runs the image with the settings of .env, waits until it is ready, and prints a request to try.

Usage: run_docker.sh [--port PORT] [--memory SIZE] [--models FOLDER] [--name NAME] [TAG]

  TAG              image (default: beer-model:latest; build_image.sh makes it)
  --port PORT      port on this machine, at 127.0.0.1 (default: 8000; 0 takes a free one)
  --memory SIZE    memory limit, such as 512m (default) or 2g
  --models FOLDER  models of this machine, read-only, instead of those in the image; changes are loaded
  --name NAME      name of the container (default: beer-model)
  -h, --help       this text

Without a .env file, the script makes one from .env.example with a new key. Run again, it replaces the container that it
made under that name, and no other. CONTAINER_ENGINE names the program to use; by default docker,
else podman.
TEXT
}
die() { echo "run_docker.sh: $1" >&2; exit 2; }

port=8000 memory=512m models='' name=beer-model tag=''
while [ $# -gt 0 ]; do
  case "$1" in
    -h | --help) usage; exit ;;
    --port) port=${2:?--port needs a number}; shift ;;
    --memory) memory=${2:?--memory needs a size}; shift ;;
    --models) models=$(cd "${2:?--models needs a folder}" && pwd); shift ;;
    --name) name=${2:?--name needs a name}; shift ;;
    -*) die "unknown option $1; see --help" ;;
    *) [ -z "$tag" ] || die "more than one TAG"; tag=$1 ;;
  esac
  shift
done
[[ $port =~ ^[0-9]+$ ]] || die "--port needs a number"
tag=${tag:-beer-model:latest}
engine=${CONTAINER_ENGINE:-$(command -v docker || command -v podman || true)}
[ -n "$engine" ] || die "neither docker nor podman is installed; name another in CONTAINER_ENGINE"
cd "$(dirname "${BASH_SOURCE[0]}")"
"$engine" image inspect "$tag" >/dev/null 2>&1 || die "there is no image $tag; build_image.sh makes one"

if [ ! -f .env ]; then # atomically, readable by its owner only, never over an existing file
  key=$(head -c 32 /dev/urandom | base64 | tr '+/' '-_' | tr -d '=\n')
  staged=$(mktemp .env.XXXXXX)
  sed "s/^API_KEY=\$/API_KEY=$key/" .env.example >"$staged"
  ln "$staged" .env && echo "Created .env with a fresh API key."
  rm -f "$staged"
fi
quoted=$(sed -n "s/^\([A-Z_]*\)=[\"'].*/\1/p" .env | paste -sd ' ' -)
[ -z "$quoted" ] || die "values in .env must have no quotes, which engines read as part of the value: $quoted"

made=org.beer-model.made-by
if "$engine" container inspect "$name" >/dev/null 2>&1; then
  maker=$("$engine" container inspect --format "{{index .Config.Labels \"$made\"}}" "$name")
  [ "$maker" = run_docker.sh ] || die "a container $name exists that this script did not make; choose another --name"
  "$engine" stop "$name" >/dev/null 2>&1 || true
  "$engine" rm --force "$name" >/dev/null
fi

flags=(--detach --name "$name" --label "$made=run_docker.sh" --env-file .env --env HOST=0.0.0.0 --env PORT=8000)
[ "$port" = 0 ] && flags+=(--publish 127.0.0.1::8000) || flags+=(--publish "127.0.0.1:$port:8000")
flags+=(--read-only --tmpfs "/tmp:rw,noexec,nosuid,nodev,size=64m")
flags+=(--cap-drop ALL --security-opt no-new-privileges --pids-limit 256 --stop-timeout 15)
flags+=(--memory "$memory" --memory-swap "$memory")
[ -z "$models" ] || flags+=(--env MODEL_URI=/models --volume "$models:/models:ro")
if ! "$engine" run "${flags[@]}" "$tag" >/dev/null; then # such as a port that is taken; the container exists all the same
  "$engine" rm --force "$name" >/dev/null 2>&1 || true
  echo "run_docker.sh: the container did not start, and was removed. If port $port is taken, choose another with --port." >&2
  exit 1
fi

deadline=$((SECONDS + 60))
until "$engine" exec "$name" /venv/bin/python /srv/ready.py >/dev/null 2>&1; do
  running=$("$engine" container inspect --format '{{.State.Running}}' "$name")
  if [ "$running" != true ] || [ "$SECONDS" -ge "$deadline" ]; then
    "$engine" logs "$name" 2>&1 | tail -n 20 >&2
    echo "run_docker.sh: the program is not ready; its last log lines are above. The container $name is kept." >&2
    exit 1
  fi
  sleep 0.2
done
address=$("$engine" port "$name" 8000/tcp | head -n 1)
cat <<TEXT
Ready: container $name. Open http://$address/ in a browser, and enter the key from .env, or try:
  curl -s http://$address/predict -H "X-API-Key: \$(sed -n 's/^API_KEY=//p' .env)" \\
    -H 'Content-Type: application/json' -d '{"abv": 5.6, "target_og": 1056, "target_fg": 1013, "ebc": 17, "ph": 4.4}'
TEXT
