"""Beer: models of bitterness."""
