"""Forms in which hops are sold, and what each gives to the wort."""

from enum import StrEnum


class HopForm(StrEnum):
    """Form of the hops: pellets (type 90), whole cones, resin extract, or cryo hops (lupulin powder, type 45)."""

    PELLET = "pellet"
    CONE = "cone"
    EXTRACT = "extract"
    CRYO = "cryo"


CONE_EXTRACTED = 27.5 / 29.5
"""Alpha acid that cones give to the wort, compared with pellets: middles of the utilisations of 25 to 30 % for whole
hops and 27 to 32 % for pellets.

Source: Tim O'Rourke, "Hops and hop products", The Brewer International, January 2003. No figure is known that says
how much more extract or cryo hops give of their alpha acid than pellets; they count as pellets.
"""
CRYO_CONCENTRATION = 2.0
"""Alpha acid of cryo hops, compared with pellets of the variety, and so the weight of pellets that they stand for.
Source: Yakima Chief Hops on its cryo hops: about twice the resin, and half the dose."""
EXTRACT_NAME = "Hop Extract"
"""Name in the table of varieties of an extract of unknown variety."""
