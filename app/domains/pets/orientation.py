"""The orientation of a picture, from its EXIF data: this one number, and nothing else of the metadata.

Pillow reads every entry with its value, and entries may share their values: a megabyte of EXIF can name 65,535 of a
megabyte each.
"""

import struct

UPRIGHT = 1
_TAG = 0x0112
_SHORT = 3
_ENTRY_BYTES = 12
_BYTE_ORDERS = {b"II*\0": "<", b"MM\0*": ">"}


def exif_orientation(exif: bytes) -> int:
    """Return the orientation in EXIF data, without the prefix ``Exif``.

    Args:
        exif: A TIFF header and the directories.

    Returns:
        1 to 8, as EXIF 2.3 defines them; 1 (upright) if the data are broken or do not tell.
    """
    order = _BYTE_ORDERS.get(exif[:4])
    if order is None or len(exif) < 8:
        return UPRIGHT
    (offset,) = struct.unpack_from(f"{order}I", exif, 4)
    if offset + 2 > len(exif):
        return UPRIGHT
    (count,) = struct.unpack_from(f"{order}H", exif, offset)
    end = min(offset + 2 + count * _ENTRY_BYTES, len(exif) - _ENTRY_BYTES + 1)
    for start in range(offset + 2, end, _ENTRY_BYTES):
        tag, kind, number, value = struct.unpack_from(f"{order}HHIH", exif, start)
        if tag == _TAG:
            return value if kind == _SHORT and number == 1 and 1 <= value <= 8 else UPRIGHT
    return UPRIGHT
