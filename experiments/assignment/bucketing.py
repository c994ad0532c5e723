"""From a salt and a unit to one of a million slots: the only hash of assignment.

slot = xxh3_64(salt + "." + purpose + "." + unit, UTF-8) mod 1 000 000. Ids are hashed as they are, never
normalised: two spellings of one name are two units.
"""

from enum import StrEnum

from xxhash import xxh3_64_intdigest

SLOTS = 1_000_000
LONGEST_UNIT_ID = 10_240
"""Bytes of UTF-8."""


class Purpose(StrEnum):
    """What a slot is drawn for; each purpose draws independently."""

    LAYER = "layer"
    COVERAGE = "coverage"
    VARIANT = "variant"
    HOLDOUT = "holdout"
    PERIOD = "period"
    """The order of the periods of a balanced block."""


def slot_prefix(salt: str, purpose: Purpose) -> bytes:
    """Return the bytes that stand before the unit id in what is hashed."""
    return f"{salt}.{purpose}.".encode()


def draw_slot(prefix: bytes, unit: bytes) -> int:
    """Return the slot, 0 to 999 999, of a unit id in UTF-8."""
    return xxh3_64_intdigest(prefix + unit) % SLOTS


def encode_unit(unit_id: object) -> bytes | None:
    """Return the UTF-8 form of a unit id, or None where it is not a valid one.

    Valid ids are non-empty strings of at most 10 240 bytes without NUL and without lone surrogates. Numbers
    are refused: 42, 42.0 and "42" would be the same shopper in one client and three in another.
    """
    if type(unit_id) is not str:
        return None
    try:
        unit = unit_id.encode()
    except UnicodeEncodeError:
        return None
    return None if len(unit) > LONGEST_UNIT_ID or not unit or b"\0" in unit else unit
