"""Finds the weights of hops with which a beer has the bitterness that is asked for."""
