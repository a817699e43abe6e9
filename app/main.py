"""Entry point for ASGI servers: ``uvicorn app.main:app``."""

from app.startup import load_program_or_exit
from app.telemetry.log_writer import install_log_writer

install_log_writer()
app = load_program_or_exit()[1].rest
