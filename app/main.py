"""Entry point for ASGI servers: ``uvicorn app.main:app``."""

from app.startup import start

app = start()[1].rest
