"""An empty FastAPI app: what the framework alone costs in start and memory."""

from fastapi import FastAPI

app = FastAPI()
"""Answers 404 to everything, which is an answer."""
