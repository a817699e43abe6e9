"""Entry point for ASGI servers: ``uvicorn app.main:app``."""

from app.startup import load_program_or_exit

app = load_program_or_exit()[1].rest
