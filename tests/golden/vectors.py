"""The units of the golden vectors, by rule: what a client in another language has to port beside the file itself."""

from collections.abc import Mapping, Sequence
from typing import Any

TEMPLATES = (
    "{h}",
    "visitor-{h}",
    "用户-{h}",
    "🛒{h}",
    "caf\u00e9-{h}",
    "cafe\u0301-{h}",
    "{h} ",
    "Ünïté/{h}?a=b&c",
    "{h}@example.com",
    "👩‍👩‍👧{h}",
)
COUNTRIES = ("DE", "CN", None)


def unit_id(number: int) -> str:
    """Return the id of vector `number`: h is number * 2654435761 mod 2**32 as eight hexadecimal digits."""
    return TEMPLATES[number % len(TEMPLATES)].replace("{h}", f"{number * 2654435761 % 2**32:08x}")


def attributes(number: int) -> dict[str, Any]:
    """Return the attributes of vector `number`: country DE, CN or absent in turn, orders = number mod 7."""
    country = COUNTRIES[number % len(COUNTRIES)]
    return {"orders": number % 7} | ({"country": country} if country else {})


def special_id(entry: object) -> Any:
    """Return the id that an entry of `special` stands for; {"repeat": [text, times]} is spelled out."""
    if isinstance(entry, Mapping):
        text, times = entry["repeat"]
        return text * times
    return entry


def code(reason: str, variant: str, variants: Sequence[str], reasons: Sequence[str]) -> str:
    """Return one character: a, b, c .. for a variant that was drawn, 0, 1, 2 .. for a reason that was given."""
    if reason == "SPLIT":
        return "abcdefghij"[variants.index(variant)]
    return "0123456789"[reasons.index(reason)]
