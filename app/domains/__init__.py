"""Domains: a typed face each over bundles; units and bounds, rows to arrays, arrays to an answer."""
