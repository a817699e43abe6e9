"""AWS Lambda functions: one module per function, each with a ``handler``, and with only the imports it needs."""
