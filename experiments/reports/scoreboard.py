"""The scorecard as a board: every metric by role, each comparison as a row with its interval drawn."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import count
from math import isclose

from django.utils.translation import gettext as _

from experiments.analysis.plan import AnalysisPlan, PlannedMetric
from experiments.analysis.scorecard import Comparison, Scorecard
from experiments.reports import figures
from experiments.reports.figures import shape_of
from experiments.reports.forest import Axis, axis_for, reach_of
from experiments.reports.names import Names
from experiments.reports.page import Board, MetricBlock, RoleGroup
from experiments.reports.rows import Subject, row_of
from experiments.reports.signals import interval_of
from experiments.reports.wording import METHODS, ROLES, Text
from experiments.vocabulary import Direction, MetricRole

_SCALED_BY = frozenset({MetricRole.DECISION, MetricRole.GUARDRAIL})
"""Roles whose intervals set the common axis; those of others are cut where they are longer."""


@dataclass(frozen=True, slots=True)
class Scale:
    """Whether effects are lifts or differences, and where the page shows them the one way and the other."""

    relative: bool
    relative_url: str
    absolute_url: str


def board_of(card: Scorecard, plan: AnalysisPlan, *, names: Names, currency: str, scale: Scale, trusted: bool) -> Board:
    """Return the board. Lifts share one axis; differences have an axis for each metric, because units differ."""
    subjects = {
        planned.spec.key: Subject(planned, plan, shape_of(planned.spec), currency, scale.relative)
        for planned in plan.metrics
    }
    compared = {key: [found for found in card.comparisons if found.metric == key] for key in subjects}
    common = _common_axis(card, subjects) if scale.relative else None
    numbers = count(1)
    groups = []
    for role in MetricRole:
        blocks = tuple(
            block_of(planned, compared[planned.spec.key], subjects[planned.spec.key], names, common, numbers)
            for planned in plan.metrics_of(role)
        )
        if blocks:
            groups.append(RoleGroup(ROLES[role].title, ROLES[role].purpose, blocks))
    return Board(
        groups=tuple(groups),
        trusted=trusted,
        relative=scale.relative,
        ticks=ticks_of(common, next(iter(subjects.values()))) if common else (),
        method=METHODS[plan.method],
        relative_url=scale.relative_url,
        absolute_url=scale.absolute_url,
    )


def block_of(
    planned: PlannedMetric,
    compared: Iterable[Comparison],
    subject: Subject,
    names: Names,
    common: Axis | None,
    numbers: Iterator[int],
) -> MetricBlock:
    """Return one metric with its rows, on the common axis or on its own."""
    key = planned.spec.key
    compared = list(compared)
    axis = common or axis_for(_reach(found, subject) for found in compared)
    line = names.metrics.get(key)
    return MetricBlock(
        key=key,
        name=names.metric(key),
        version=planned.spec.version,
        description=line.description if line else "",
        wish=_("higher is better") if planned.direction is Direction.INCREASE else _("lower is better"),
        margin=_margin(planned),
        ticks=() if common else ticks_of(axis, subject),
        rows=tuple(
            row_of(
                found,
                subject,
                axis,
                number=next(numbers),
                metric=names.metric(key),
                variant=names.variant(found.variant),
            )
            for found in compared
        ),
    )


def _common_axis(card: Scorecard, subjects: Mapping[str, Subject]) -> Axis:
    scaling = [found for found in card.comparisons if found.role in _SCALED_BY]
    return axis_for(_reach(found, subjects[found.metric]) for found in scaling or card.comparisons)


def _reach(comparison: Comparison, subject: Subject) -> float:
    return reach_of(interval_of(comparison, relative=subject.relative), subject.margin(comparison))


def _margin(planned: PlannedMetric) -> Text:
    if planned.margin is None:
        return ""
    return _("margin %(margin)s") % {"margin": figures.percent(planned.margin)}


def ticks_of(axis: Axis, subject: Subject) -> tuple[str, ...]:
    """Return the ends of an axis and its zero as they are written."""
    lower, _half, _zero, _other, upper = axis.ticks()
    round_number = subject.decimals(upper, significant=1)
    decimals = round_number if _is_round(subject.scaled(upper), round_number) else round_number + 1
    return subject.effect(lower, decimals), "0", subject.effect(upper, decimals)


def _is_round(value: float, decimals: int) -> bool:
    return isclose(round(value, decimals), value, rel_tol=1e-9)
