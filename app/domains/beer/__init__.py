"""Beer: vital figures and hop bill in, bitterness out."""
