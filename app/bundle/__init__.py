"""Model bundles: immutable folders ``<name>/<version>/``, the interface between training and serving."""
