"""Rollouts: a candidate runs beside the active version, as its shadow or its canary."""
