"""Evidence for tests of who counts: exposures with attributes, outcomes and lists, in the tables and as plain lists."""

import json
import random
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import connection

from experiments.analysis.filters import FilterKind, FilterRule, UnitFilter
from experiments.analysis.metrics import Aggregation, MetricSpec, What
from experiments.models import FilteredUnit, Variant
from experiments.vocabulary import MetricKind, UnitKind
from experiments.warehouse.question import Question
from tests.fixtures.records import NOW

END = NOW + timedelta(days=12)
RECEIVED = END + timedelta(days=1)
ROBOTS = UnitFilter("robots", 1, FilterKind.BOT, FilterRule.ATTRIBUTE, attribute="agent", values=("bot", "true"))
BRUSHING = UnitFilter(
    "brushing", 1, FilterKind.BRUSHING, FilterRule.EVENT_RATE, events=("Order Completed",), hours=24, limit=2
)
VIEWS = UnitFilter(
    "views", 1, FilterKind.BOT, FilterRule.EVENT_RATE, events=("Product Viewed", "Product Clicked"), hours=48, limit=3
)
STAFF = UnitFilter("staff", 1, FilterKind.INTERNAL, FilterRule.UNIT_LIST)
FILTERS = (ROBOTS, BRUSHING, VIEWS, STAFF)
CONVERSION = MetricSpec(
    "conversion", 1, MetricKind.CONVERSION, Aggregation(("Order Completed",), What.ANY), covariate_days=7
)
REVENUE = MetricSpec(
    "revenue",
    1,
    MetricKind.SUM,
    Aggregation(("Order Completed",), What.SUM_VALUE),
    cap_micros=150_000_000,
    window_hours=48,
)
EVENTS = ("Order Completed", "Order Completed", "Product Viewed", "Product Clicked")


@dataclass(frozen=True)
class First:
    """A unit as it was first exposed."""

    at: datetime
    variant: int
    epoch: int
    attributes: dict[str, str]
    crossed: bool

    def level(self, name: str) -> str:
        return self.attributes.get(name, "")


@dataclass
class Shop:
    """Rows as they are stored: exposures (unit, variant, epoch, at, received, attributes), outcomes (unit, event, at,
    received, value, line), and since when units are listed."""

    project_id: int
    experiment_id: int
    exposures: list[tuple[str, int, int, datetime, datetime, dict[str, str] | None]] = field(default_factory=list)
    outcomes: list[tuple[str, str, datetime, datetime, int, int]] = field(default_factory=list)
    listed: dict[str, datetime] = field(default_factory=dict)

    def question(self, **changes: Any) -> Question:
        """Return the question of everything that is stored."""
        parts: dict[str, Any] = {
            "experiment_id": self.experiment_id,
            "project_id": self.project_id,
            "unit_kind": UnitKind.VISITOR,
            "metrics": (CONVERSION, REVENUE),
            "window_start": NOW,
            "window_end": END,
            "received_before": RECEIVED,
            "exposed_before": END,
        }
        return Question(**parts | changes)

    def expose(self, unit: str, at: datetime, variant: int | None = None, **attributes: str) -> None:
        """Note an exposure, to the first variant unless told otherwise."""
        arm = self.arms[0] if variant is None else variant
        self.exposures.append((unit, arm, 1, at, at, attributes or None))

    def act(self, unit: str, event: str, at: datetime, *, times: int = 1) -> None:
        """Note outcomes of a unit."""
        self.outcomes += [(unit, event, at, at, 10_000_000, 0)] * times

    @property
    def arms(self) -> list[int]:
        return list(Variant.objects.filter(experiment_id=self.experiment_id).values_list("pk", flat=True))

    def store(self) -> "Shop":
        """Write everything to the tables and return the shop."""
        with connection.cursor() as cursor:
            for number, (unit, arm, epoch, at, received, attributes) in enumerate(self.exposures):
                cursor.execute(
                    "INSERT INTO experiments_firstexposure (unit, epoch, probability, exposed_at, received_at,"
                    " message_id, verification, experiment_id, variant_id, attributes)"
                    " VALUES (%s, %s, 0.5, %s, %s, %s, 'TOKEN', %s, %s, %s)",
                    [unit, epoch, at, received, f"e{number:06}", self.experiment_id, arm, _json(attributes)],
                )
            for day in sorted({at.date() for _, _, at, _, _, _ in self.outcomes}):
                cursor.execute("SELECT tiltyard_ensure_partition('experiments_outcome', %s)", [day])
            cursor.executemany(
                "INSERT INTO experiments_outcome (project_id, day, message_id, line, event, occurred_at, received_at,"
                " visitor, value, quantity) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, 1)",
                [
                    [self.project_id, at.date(), f"o{number}", line, event, at, received, unit, value]
                    for number, (unit, event, at, received, value, line) in enumerate(self.outcomes)
                ],
            )
        FilteredUnit.objects.bulk_create(
            FilteredUnit(project_id=self.project_id, filter_key=STAFF.key, unit=unit, received_at=at)
            for unit, at in self.listed.items()
        )
        return self

    def first(self) -> dict[str, First]:
        """Return every unit that was exposed in time, counted again by hand."""
        seen = defaultdict(list)
        for number, (unit, arm, epoch, at, received, attributes) in enumerate(self.exposures):
            if received < RECEIVED and at < END:
                seen[unit].append((at, received, number, arm, epoch, attributes or {}))
        found = {}
        for unit, rows in seen.items():
            at, _, _, arm, epoch, attributes = min(rows, key=lambda row: row[:3])
            found[unit] = First(at, arm, epoch, attributes, len({row[3] for row in rows}) > 1)
        return found

    def left_out(self, unit: str, first: First) -> set[str]:
        """Return the keys of the filters that leave a unit out, counted again by hand."""
        found = set()
        for rule in FILTERS:
            match rule.rule:
                case FilterRule.ATTRIBUTE:
                    assert rule.attribute is not None
                    hit = first.level(rule.attribute) in rule.values
                case FilterRule.EVENT_RATE:
                    assert rule.hours is not None
                    start = first.at - timedelta(hours=rule.hours)
                    done = self._rows(unit, rule.events, start, first.at)
                    hit = len(done) > (rule.limit or 0)
                case FilterRule.UNIT_LIST:
                    hit = unit in self.listed and self.listed[unit] < first.at
            if hit:
                found.add(rule.key)
        return found

    def totals(self, spec: MetricSpec, unit: str, first: First) -> dict[str, int]:
        """Return a unit's variables of a metric, counted again by hand."""
        window = self._rows(unit, spec.numerator.events, first.at, first.at + timedelta(hours=spec.window_hours))
        before = self._rows(unit, spec.numerator.events, first.at - timedelta(days=spec.covariate_days), first.at)
        if spec.numerator.what is What.ANY:
            return {"y": int(bool(window)), "x": int(bool(before))}
        total = sum(row[4] for row in window)
        return {"y": min(total, spec.cap_units or total), "y_uncapped": total}

    def _rows(self, unit: str, events: tuple[str, ...], start: datetime, end: datetime) -> list[Any]:
        return [
            row
            for row in self.outcomes
            if row[0] == unit
            and row[1] in events
            and start <= row[2] < min(end, END)
            and row[3] < RECEIVED
            and row[5] == 0
        ]


def random_shop(project_id: int, experiment_id: int, seed: int, *, units: int = 200) -> Shop:
    """Return a stored shop with units that cross over, come late, are robots, brush, or are on the list."""
    shop = Shop(project_id, experiment_id)
    dice = random.Random(seed)
    arms = shop.arms
    for index in range(units):
        unit = f"u{index}"
        base = NOW + timedelta(hours=dice.randrange(-5, 300), minutes=dice.randrange(60))
        for again in range(dice.choice([1, 1, 1, 2, 3])):
            at = base + timedelta(hours=dice.randrange(40) * again)
            arm = dice.choice(arms) if dice.random() < 0.1 else arms[index % len(arms)]
            known = {"agent": dice.choice(["bot", "browser", "true"]), "country": dice.choice("ABCD")}
            sent = {name: value for name, value in known.items() if dice.random() < 0.7}
            received = at + timedelta(hours=dice.choice([0, 1, 30]), seconds=again)
            shop.exposures.append((unit, arm, dice.choice([1, 2]), at, received, sent or None))
        for _ in range(dice.randrange(12)):
            at = base + timedelta(hours=dice.choice([-48, -24, 0, dice.randrange(-60, 200)]))
            value = dice.randrange(10**8)
            received = at + timedelta(hours=dice.choice([0, 1, 30]))
            shop.outcomes.append((unit, dice.choice(EVENTS), at, received, value, dice.choice([0, 0, 0, 1])))
        if dice.random() < 0.1:
            shop.listed[unit] = base + timedelta(hours=dice.choice([-24, 0, 1]))
    return shop.store()


def counted(pairs: Any) -> dict[Any, int]:
    """Return how often each thing occurs."""
    return dict(Counter(pairs))


def _json(attributes: dict[str, str] | None) -> str | None:
    return None if attributes is None else json.dumps(attributes)
