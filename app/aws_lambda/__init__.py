"""Entry points for AWS Lambda, a module a job: each has a ``handler``, and imports only what its job needs."""
