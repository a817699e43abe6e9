"""Serving: sockets, processes and time around the REST door; the only room that knows uvicorn."""
