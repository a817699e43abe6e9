"""Reads the files in which brewers keep recipes: BeerXML, BeerJSON, exports of Brewfather, Punk documents."""
