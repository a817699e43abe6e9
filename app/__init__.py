"""Beer Model: a service that answers with a beer's bitterness, how sure it is, and why."""

__version__ = "0.1.0"
