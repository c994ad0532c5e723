"""Visitors drawn from the truth: when they come, what they look at and what they buy in which variant."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from simulation.truth import Truth

MEMORY_DAYS = 5.0
WINDOW_DAYS = 6.0


@dataclass(frozen=True, slots=True)
class Visitor:
    """A visitor as nature made them, before any variant: random numbers that decide everything they will do.

    eagerness: how much more (or less) than the mean they look around. luck: below the conversion rate they order.
    """

    id: str
    arrives_at: datetime
    eagerness: float
    luck: float
    returning: bool
    seed: int


@dataclass(frozen=True, slots=True)
class Event:
    """Something a visitor does at a time."""

    visitor: str
    at: datetime
    name: str
    properties: dict[str, object]


def arrivals(*, day: int, start: datetime, per_day: int, truth: Truth, seed: int) -> list[Visitor]:
    """Return the visitors who first come on a day, in the order of their arrival."""
    generator = np.random.default_rng([seed, day])
    hours = np.sort(generator.uniform(0.0, 24.0, per_day))
    eagerness = generator.gamma(2.0, 0.5, per_day)
    luck = generator.uniform(size=per_day)
    returning = generator.uniform(size=per_day) < truth.returning
    return [
        Visitor(
            id=f"v-{seed}-{day}-{index}",
            arrives_at=start + timedelta(days=day, hours=float(hours[index])),
            eagerness=float(eagerness[index]),
            luck=float(luck[index]),
            returning=bool(returning[index]),
            seed=int(generator.integers(2**31)),
        )
        for index in range(per_day)
    ]


def history(visitor: Visitor, truth: Truth) -> Iterator[Event]:
    """Yield what a returning visitor looked at in the five days before they arrive; it knows no variant."""
    if not visitor.returning:
        return
    generator = np.random.default_rng([visitor.seed, 1])
    for _ in range(int(generator.poisson(truth.views * visitor.eagerness))):
        before = timedelta(days=float(generator.uniform(0.05, MEMORY_DAYS)))
        yield Event(visitor.id, visitor.arrives_at - before, "Product Viewed", _product(generator))


def behaviour(visitor: Visitor, variant: str, truth: Truth) -> Iterator[Event]:
    """Yield what a visitor does in the six days after arriving, given the variant they saw."""
    generator = np.random.default_rng([visitor.seed, 2])
    treated = variant != "control"
    views = truth.views * visitor.eagerness * (1.0 + truth.views_lift * treated)
    for _ in range(int(generator.poisson(views))):
        after = timedelta(days=float(generator.exponential(0.8)) % WINDOW_DAYS)
        yield Event(visitor.id, visitor.arrives_at + after, "Product Viewed", _product(generator))
    if visitor.luck >= truth.conversion * (1.0 + truth.conversion_lift * treated):
        return
    ordered_at = visitor.arrives_at + timedelta(days=float(generator.exponential(1.0)) % (WINDOW_DAYS - 1.0))
    revenue = round(float(generator.lognormal(truth.order_mu, truth.order_sigma)), 2)
    order = {"order_id": f"o-{visitor.id}", "revenue": revenue, "currency": "USD"}
    yield Event(visitor.id, ordered_at, "Order Completed", order)
    if generator.uniform() < truth.refunds:
        refund = {"order_id": f"o-{visitor.id}", "total": revenue, "currency": "USD"}
        yield Event(visitor.id, ordered_at + timedelta(hours=12), "Order Refunded", refund)


def _product(generator: np.random.Generator) -> dict[str, object]:
    return {"product_id": f"p-{int(generator.zipf(1.5)) % 500}", "price": 19.9}
