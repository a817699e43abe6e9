"""Tells what recipes list among the hops and is none. Training and the service leave it out by this one rule."""

import re

from app.domains.beer.varieties import find

_OTHER = re.compile(
    r"oak|wood|chips|cedar|barrel|whisky|bourbon|rum\b|coffee|cacao|cacoa|cocoa|cascara|chocolate|vanilla|tonka|tea\b"
    r"|sugar|muscovado|muscavado|demerara|honey|syrup|molasses|treacle|lactose|dextrose|marshmallow|candi|agave|maple"
    r"|pepper|coriander|ginger|cardamon|cardamom|cinnamon|clove|nutmeg|anis|juniper|elderflower|hibiscus|lavender"
    r"|rosemary|thyme|bay lea|heather|chamomile|camomile|chil+i|habanero|jalape|ancho|allspice|turmeric|liquorice"
    r"|orange|lemon|\blime|grapefruit|yuzu|tangerine|mandarin|citrus|peel|zest|fruit|berry|berries|currant|cherry"
    r"|cherries|peach|apricot|plum|apple|pear\b|mango|guava|papaya|passion|rhubarb|raisin|fig\b|date\b|pumpkin"
    r"|coconut|almond|hazelnut|pecan|peanut|walnut|puree|juice|concentrate|powder|husk|oats?\b|malt|barley|wheat|rye\b"
    r"|salt|sodium|calcium|gypsum|magnesium|acid\b|yeast|nutrient|lactobacillus|brett|nibs|bean|(?<!hop )extract\b",
    re.IGNORECASE,
)
"""Words in names of other ingredients: wood, spices, fruit, sugars."""


def is_no_hop(name: str, alpha_acid: float | None) -> bool:
    """Whether an entry of a list of hops is another ingredient, which the model does not count.

    Args:
        name: Name of the entry.
        alpha_acid: Alpha acid that the entry states, %; an entry that states one is a hop.

    Returns:
        True if the table of varieties does not have the name and a word in it tells another ingredient.
    """
    return alpha_acid is None and find(name) is None and _OTHER.search(name) is not None
