"""A learning policy beside its control holdback: two rates of decisions, each with its interval, and no verdict."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from django.utils.translation import gettext as _

from experiments.reports import figures
from experiments.reports.figures import Shape
from experiments.reports.wording import Text
from experiments.statistics.distributions import normal_quantile
from experiments.statistics.one_proportion import wilson
from experiments.statistics.proportions import Counts, difference_interval

MULTIPLIER: Final = normal_quantile(0.975)
LEVEL: Final = "95%"
DECIMALS: Final = 2


@dataclass(frozen=True, slots=True)
class SideLine:
    """One side: how many decisions somebody saw, how many earned the reward, and the rate."""

    name: Text
    decisions: str
    rewarded: str
    rate: str
    interval: str


@dataclass(frozen=True, slots=True)
class Sides:
    """Both sides, empty where nothing has matured yet. `sentence` says how they differ."""

    lines: tuple[SideLine, ...]
    sentence: str
    share: str


def sides_of(found: Mapping[str, int]) -> Sides:
    """Return the comparison of what the policy served with its holdback.

    found: `served`, `served_rewarded`, `holdback` and `holdback_rewarded`, of all decisions whose rewards are complete.
    """
    counts = Counts(
        n_control=found["holdback"],
        x_control=min(found["holdback_rewarded"], found["holdback"]),
        n_treatment=found["served"],
        x_treatment=min(found["served_rewarded"], found["served"]),
    )
    total = counts.n_control + counts.n_treatment
    if not total:
        return Sides((), _("No decision has matured yet: its rewards may still come."), "–")
    return Sides(
        lines=(
            _line(_("Learning policy"), counts.n_treatment, counts.x_treatment),
            _line(_("Control holdback"), counts.n_control, counts.x_control),
        ),
        sentence=_sentence(counts),
        share=figures.share(counts.n_control / total),
    )


def _line(name: Text, decisions: int, rewarded: int) -> SideLine:
    interval = wilson(rewarded, decisions, MULTIPLIER)
    ends = None if interval.lower is None or interval.upper is None else (interval.lower, interval.upper)
    return SideLine(
        name=name,
        decisions=figures.count(decisions),
        rewarded=figures.count(rewarded),
        rate="–" if not decisions else figures.share(rewarded / decisions),
        interval="" if ends is None else _range(figures.share(ends[0]), figures.share(ends[1])),
    )


def _sentence(counts: Counts) -> str:
    if not counts.n_control or not counts.n_treatment:
        return _("One of the sides has no decisions yet, so there is nothing to compare.")
    interval = difference_interval(counts, MULTIPLIER)
    if interval.lower is None or interval.upper is None:
        return _("The difference has no interval yet.")
    told = {
        "difference": _points(counts.treatment - counts.control),
        "range": _range(_points(interval.lower), _points(interval.upper)),
        "level": LEVEL,
    }
    return _("The policy's rate differs by %(difference)s (%(level)s: %(range)s).") % told


def _points(value: float) -> str:
    return figures.difference(value, Shape.SHARE, "", DECIMALS)


def _range(lower: str, upper: str) -> str:
    return _("%(lower)s to %(upper)s") % {"lower": lower, "upper": upper}
