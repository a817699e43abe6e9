"""Owning models: which versions are on disk, which are loaded, which one answers, and how changes are taken up."""
