"""Retraining a model with newer data, and deciding whether the new version may replace the old one."""
