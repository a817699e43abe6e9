"""Access: from a presented key to a principal. Pure: knows no HTTP and no gRPC."""
