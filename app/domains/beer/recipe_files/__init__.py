"""Reads the files in which brewers keep recipes: BeerXML, BeerJSON, and documents of the Punk API."""
