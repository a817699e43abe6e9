"""Access control: API keys, scopes, rate limits. Independent of HTTP and gRPC."""
