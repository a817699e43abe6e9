"""Pets: models that tell cats from dogs."""
