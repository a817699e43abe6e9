"""The applications that the service is compared with, each in its usual style."""
