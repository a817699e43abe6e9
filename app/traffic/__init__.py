"""Which version answers whom: a candidate is tried beside the active version, as its shadow or its canary."""
