"""Records of answered rows: writing them while the program serves, reading them, and replaying them."""
