"""Which metrics say by whom a sale was caused because somebody attributes it, and not because a test found it out."""

from collections.abc import Iterable
from typing import Final

from decisions.domains.ad_placement.reward import CLICKED, VIEWED

ATTRIBUTED: Final = "attributed"
"""A metric or an event with this word in its name holds what somebody attributed."""
_RETURNS: Final = ("roas", "roi", "return-on-ad-spend", "return-on-spend")
_SPENT: Final = frozenset({CLICKED, VIEWED})
_VALUE: Final = "SUM_VALUE"


def is_attributed(key: str, *, events: Iterable[str], denominator: Iterable[str], denominator_what: str) -> bool:
    """Return whether a metric is an attributed return.

    It is where its key or an event of it says so, or where it divides by what promotions cost: such a return grows when
    the advertisements are shown to those who would have bought anyway.
    """
    named = key.casefold().replace("_", "-")
    says_so = ATTRIBUTED in named or any(f"-{word}-" in f"-{named}-" for word in _RETURNS)
    of_events = any(ATTRIBUTED in event.casefold() for event in (*events, *denominator))
    divides_by_spend = denominator_what == _VALUE and bool(_SPENT & set(denominator))
    return says_so or of_events or divides_by_spend
