"""Adaptive pacing: how a campaign's budget is spread over its day (Balseiro and Gur 2019). Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import Final

LARGEST_MULTIPLIER: Final = 20.0
STEP: Final = 0.05
"""How much the multiplier moves for one period's target that was not spent, or was spent too much."""
PERIODS: Final = 1_440
"""Periods of a day: one a minute."""


@dataclass(frozen=True, slots=True)
class Pace:
    """Where a campaign stands in its day. budget, spent: in whole millionths; periods: how many of the day are over.

    multiplier: by how much, less one, the values of its creatives are divided; 0 is unpaced.
    """

    budget: int
    spent: int = 0
    multiplier: float = 0.0
    periods: float = 0.0

    @property
    def left(self) -> int:
        """What may still be spent."""
        return max(0, self.budget - self.spent)

    @property
    def error(self) -> float | None:
        """|spent - budget| / budget, None without a budget to spend."""
        return abs(self.spent - self.budget) / self.budget if self.budget else None


def stepped(multiplier: float, *, target: float, spend: float, step: float, most: float) -> float:
    """Return the next multiplier: mu <- mu - step (target - spend), kept within [0, most] (STATISTICS.md 21)."""
    return min(most, max(0.0, multiplier - step * (target - spend)))


def multipliers(
    multiplier: float, spends: Sequence[float], *, target: float, step: float, most: float
) -> tuple[float, ...]:
    """Return the multiplier after each of some periods."""
    following = accumulate(
        spends,
        lambda before, spend: stepped(before, target=target, spend=spend, step=step, most=most),
        initial=multiplier,
    )
    return tuple(following)[1:]


def paced(pace: Pace, *, spent: int, periods: float) -> Pace:
    """Return where the campaign stands now: `spent` is what the whole day has cost, `periods` how many are over.

    Spend is counted up to the budget: what came after it is not charged. A period's target is what was left before by
    the periods that were left, so that a day which began slowly, or a campaign which began late, still ends on its
    budget; mu moves by STEP x (spent since / target - periods since). Where no period has passed, or nothing was left,
    mu stays: the same call twice is the same as once.
    """
    charged = min(spent, pace.budget)
    passed = periods - pace.periods
    if passed <= 0.0 or pace.left <= 0:
        return replace(pace, spent=charged, periods=max(periods, pace.periods))
    target = pace.left / max(1.0, PERIODS - pace.periods)
    moved = stepped(
        pace.multiplier,
        target=passed,
        spend=(charged - pace.spent) / target,
        step=STEP,
        most=LARGEST_MULTIPLIER,
    )
    return Pace(pace.budget, charged, moved, periods)


def is_spent(pace: Pace, *, lowest_bid: int) -> bool:
    """Return whether the campaign is out of its day's budget: what is left does not pay for its lowest bid."""
    return pace.left < max(1, lowest_bid)


def divided(budget: int, shares: Mapping[str, float]) -> dict[str, int]:
    """Return the budget by the shares of the traffic, which sum to 1 at most; the rest, to the last millionth, is "".

    A share of "" is not looked at. Raises ValueError where shares are negative or more than the whole.
    """
    named = {arm: share for arm, share in shares.items() if arm}
    if any(share < 0.0 for share in named.values()) or sum(named.values()) > 1.0 + 1e-9:
        raise ValueError("shares must be 0 or more and at most the whole")
    parts = {arm: int(budget * share) for arm, share in named.items()}
    whole = max(0, budget - sum(parts.values()))
    outside = 1.0 - sum(named.values())
    if outside > 1e-9 or not parts:
        return {"": whole, **parts}
    first = next(iter(parts))
    return {"": 0, **parts, first: parts[first] + whole}


def allotted(budget: int, shares: Mapping[str, float], spent: Mapping[str, int]) -> dict[str, int]:
    """Return each arm's budget of the day, "" for outside of arms; together they are never more than the budget.

    shares: of the traffic, of the arms that run. spent: of the day so far, by arm. What arms that run no more have
    spent is gone; what was spent outside beyond its part is taken from the arms.
    """
    gone = sum(cost for arm, cost in spent.items() if arm and arm not in shares)
    parts = divided(max(0, budget - gone), shares)
    over = min(max(0, spent.get("", 0) - parts[""]), sum(parts.values()) - parts[""])
    within = sum(part for arm, part in parts.items() if arm)
    if over <= 0 or within <= 0:
        return parts
    return {arm: part * (within - over) // within if arm else part + over for arm, part in parts.items()}
