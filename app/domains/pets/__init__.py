"""The pets domain: cat or dog, from a picture."""

NEEDS = ("PIL",)
"""Packages that the domain requires; without them it is left out."""
