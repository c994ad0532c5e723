"""How a moment and a creative become the numbers that models read: one place for training and for serving.

Every number is a hash of the name of a fact and what it is, so that nothing has to be remembered between training and
serving, and a creative that is new tomorrow has numbers today.
"""

import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

import numpy as np
import numpy.typing as npt
from xxhash import xxh3_64_intdigest

from decisions.policy import Indices
from models_registry.predictors.crosses import Layout

SLOT: Final = "slot"
SAID: Final = (SLOT, "page", "device", "country", "customer", "views")
"""Facts of a moment that storefront or attributes tell; `views` is a count, read in powers of two."""
FACTS: Final = (*SAID, "hour", "weekday")
"""The facts of a moment, in the order of a subject's numbers; hour and weekday are those of UTC."""

CAMPAIGN: Final = "campaign"
ADVERTISER: Final = "advertiser"
TITLE: Final = "title"
CATEGORY: Final = "category"
PAYS: Final = "pays"
PER_ORDER: Final = "order"
FIELDS: Final = ("creative", CAMPAIGN, ADVERTISER, CATEGORY)
"""What of a creative is crossed with every fact of the moment."""
MOST_WORDS: Final = 24
"""Words of a title that are read; the rest of a longer one is not."""

INPUTS: Final = (*FACTS, *FIELDS, "words", PAYS)
"""The inputs that a model's manifest names."""

_CJK: Final = ((0x3400, 0x9FFF), (0xF900, 0xFAFF), (0x3040, 0x30FF), (0xAC00, 0xD7AF))
_COUNTED: Final = "views"


def layout(bits: int) -> Layout:
    """Return the layout of the numbers below for a table of 2^bits places."""
    return Layout(len(FACTS), len(FIELDS), MOST_WORDS, bits)


def number_of(name: str, value: str) -> int:
    """Return the number of a fact, 1 to 2^63 - 1: xxh3_64 of `name=value` in UTF-8, without its lowest bit."""
    return xxh3_64_intdigest(f"{name}={value}".encode("utf-8", "surrogatepass")) >> 1 or 1


def moment_numbers(said: Mapping[str, object], at: datetime) -> Indices:
    """Return the numbers of a moment, one for each of FACTS; what nobody said is a fact too."""
    utc = at.astimezone(UTC)
    numbers = [number_of(name, fact_text(name, said.get(name))) for name in SAID]
    return np.array(
        [*numbers, number_of("hour", str(utc.hour)), number_of("weekday", str(utc.weekday()))], dtype=np.int64
    )


def fact_text(name: str, value: object) -> str:
    """Return a fact as text: the same for what came as JSON and for what a log kept of it; "" where unknown."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if name == _COUNTED:
        return _power(value)
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value) if isinstance(value, str | int | float) else ""


def creative_numbers(items: Sequence[str], columns: Mapping[str, Sequence[str]]) -> Indices:
    """Return the numbers of creatives, a row for each: FIELDS, the words of the title, 1 where an order is paid for.

    columns: texts parallel to `items`, by the names of the fields; a column that is not there is "" everywhere.
    """
    nothing = ("",) * len(items)
    rows = np.zeros((len(items), len(FIELDS) + MOST_WORDS + 1), dtype=np.int64)
    own = (items, *(columns.get(name, nothing) for name in FIELDS[1:]))
    for place, (name, column) in enumerate(zip(FIELDS, own, strict=True)):
        rows[:, place] = [number_of(name, value) for value in column]
    for row, title in zip(rows, columns.get(TITLE, nothing), strict=True):
        found = [number_of("word", word) for word in words_of(title)]
        row[len(FIELDS) : len(FIELDS) + len(found)] = found
    rows[:, -1] = [pays == PER_ORDER for pays in columns.get(PAYS, nothing)]
    return rows


def words_of(text: str) -> list[str]:
    """Return the distinct words of a text, at most MOST_WORDS, in their order.

    Words are runs of letters and digits without case; Chinese, Japanese and Korean characters come in pairs of
    neighbours, a single one alone.
    """
    found: dict[str, None] = {}
    for run in _runs(text.casefold()):
        if _is_cjk(run[0]) and len(run) > 1:
            found.update(dict.fromkeys(run[place : place + 2] for place in range(len(run) - 1)))
        else:
            found[run] = None
        if len(found) >= MOST_WORDS:
            break
    return list(found)[:MOST_WORDS]


def seconds_of(text: str) -> float | None:
    """Return a moment that a field of a creative names, seconds since 1970; None where it cannot be read.

    ISO 8601, a date alone for its midnight; without an offset in UTC.
    """
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def finite_or(column: npt.NDArray[np.float64], otherwise: float) -> npt.NDArray[np.float64]:
    """Return a column of numbers with what is unknown or not finite replaced."""
    return np.where(np.isfinite(column), column, otherwise)


def _power(value: object) -> str:
    """Return the power of two below a count: 0, 1, 2, 4, 8, 16; "" for what is no count."""
    try:
        count = float(value) if isinstance(value, str | int | float) else math.nan
    except (ValueError, OverflowError):
        return ""
    if not math.isfinite(count) or count < 0.0:
        return ""
    return "0" if count < 1.0 else str(min(16, 1 << int(math.log2(count))))


def _runs(text: str) -> list[str]:
    """Return the runs of letters and digits of a text; Chinese ones end where others begin."""
    runs: list[str] = []
    before = ""
    for character in text:
        kind = "" if not character.isalnum() else "cjk" if _is_cjk(character) else "word"
        if kind and kind == before:
            runs[-1] += character
        elif kind:
            runs.append(character)
        before = kind
    return runs


def _is_cjk(character: str) -> bool:
    code = ord(character)
    return any(first <= code <= last for first, last in _CJK)
