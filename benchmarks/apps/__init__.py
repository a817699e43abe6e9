"""The applications that the service is measured against, each written as its users write it."""
