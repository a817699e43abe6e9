"""Commands: what `python -m app` can do beside serving."""
