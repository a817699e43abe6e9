"""Entry point for ASGI servers: ``uvicorn app.main:app``."""

from app.start import start

app = start()[1].rest
