"""Pets: cat or dog, from a picture."""

NEEDS = ("PIL",)
"""Packages without which the domain is not served."""
