"""Bundles: one immutable folder ``<name>/<version>/`` a model, the one contract between training and serving."""
