"""Benchmarks that compare the running service with other servers on one core. Not part of the service."""
