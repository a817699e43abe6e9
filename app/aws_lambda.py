"""Entry point for AWS Lambda: the REST door behind API Gateway or a function URL."""

from mangum import Mangum

from app.start import start

http = Mangum(start()[1].rest, lifespan="off")
"""Handler of HTTP events; settings come from the function's environment."""
