"""An empty FastAPI app: start time and memory of the framework alone."""

from fastapi import FastAPI

app = FastAPI()
"""The app, which answers every request with 404."""
