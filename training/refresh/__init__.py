"""Training a model again with newer data, and judging whether the new version may take the old one's place."""
