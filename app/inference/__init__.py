"""Inference: arrays in, arrays out; knows no HTTP, no protobuf and no domain."""
