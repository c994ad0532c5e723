"""Columns that by their name count what units met during an experiment, and so cannot be what was known before it."""

import re
from typing import Final

_MET: Final = re.compile(
    r"\b(ads?|impressions?|exposures?|exposed|views?|viewed|shown|seen|served|clicks?|clicked|sent|opened|received)\b"
    r"|曝光|展示|展现|点击|浏览|推送"
)
"""What a variant does to a unit, or the unit with the variant."""
_BEFORE: Final = re.compile(
    r"\b(before|prior|past|pre|previous|previously|history|historical|last|baseline)\b|前|历史|上[周月年]"
)
_WORDS: Final = re.compile(r"[^a-z0-9]+")
_HUMPS: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def counts_afterwards(column: str) -> bool:
    """Return whether the column's name speaks of exposures, such as `total ads`, and not of a time before."""
    name = _WORDS.sub(" ", _HUMPS.sub(" ", column).lower()) if column.isascii() else column.lower()
    return _MET.search(name) is not None and _BEFORE.search(name) is None
