#!/usr/bin/env bash
# Trains a model again on the platform's clean beers, and uploads the version if it is no worse; see scripts/retrain.py,
# whose options it takes. For schedules: it succeeds as well where no version is better, or there is nothing new.
#
# PYTHON: a Python with requirements.txt and requirements/train.txt; python3 by default.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
code=0
"${PYTHON:-python3}" -m scripts.retrain "$@" || code=$?
[ "$code" -eq 3 ] || exit "$code"
