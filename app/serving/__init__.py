"""Serving: sockets, processes and time around the REST API; the only package that uses uvicorn."""
