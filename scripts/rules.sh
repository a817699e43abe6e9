#!/usr/bin/env bash
# Writes deploy/kubernetes/base/rules.yaml, the form of deploy/prometheus/alerts.yml for the Prometheus operator.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
target=deploy/kubernetes/base/rules.yaml
{
  cat <<'TEXT'
# Made by scripts/rules.sh from deploy/prometheus/alerts.yml: change them there.
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata:
  name: beer-model
spec:
TEXT
  sed -e '/^#/d' -e '/./s/^/  /' deploy/prometheus/alerts.yml
} >"$target.new"
mv "$target.new" "$target"
