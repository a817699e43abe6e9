"""Benchmarks of the running service against others, on one core; not part of what is served."""
