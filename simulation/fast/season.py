"""One seed: a shop is drawn, a model is trained on its past, and all experiments run on the same visitors."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np

from experiments.assignment.engine import assign
from experiments.assignment.snapshot import Snapshot
from simulation.behaviour import EMPTY, Factors, expected_conversion, react
from simulation.catalogue import Catalogue, Floats, Integers, draw_catalogue
from simulation.designs import (
    CONTROL,
    ENROLMENT_DAYS,
    EXPERIMENTS,
    HORIZON_DAYS,
    SLATE_SIZE,
    VISITORS_PER_DAY,
    experiment,
)
from simulation.fast.challenger import Ranker, interaction_log, ranker_of
from simulation.fast.looks import Watched
from simulation.fast.plans import snapshot_of
from simulation.fast.sums import totals_of
from simulation.past import PAST_DAYS, Deeds, days_before, past_of_crowd
from simulation.shoppers import Shoppers, affinity, draw_shoppers
from simulation.truth import RECOMMENDATIONS, Truth

START = datetime(2026, 1, 5, tzinfo=UTC)
"""Any midnight; nothing depends on which."""


@dataclass(frozen=True, slots=True)
class Ending:
    """How one experiment ended: its verdict, the day of it, and the true lift of conversion in its treatment."""

    experiment: str
    verdict: str
    day: int
    true_lift: float


@dataclass(slots=True)
class _Lift:
    """The exact conversion of both policies, summed over the visitors who were given the trained one."""

    control: float = 0.0
    treatment: float = 0.0

    def value(self) -> float:
        return self.treatment / self.control - 1.0 if self.control > 0.0 else 0.0


@dataclass(frozen=True, slots=True, eq=False)
class _World:
    truth: Truth
    seed: int
    catalogue: Catalogue
    ranker: Ranker
    snapshot: Snapshot


def run_season(truth: Truth, seed: int, *, per_day: int = VISITORS_PER_DAY) -> tuple[Ending, ...]:
    """Return how each experiment of the demonstration ended; equal arguments give equal endings.

    per_day: new visitors a day, and shoppers of each day of the past. An experiment that ends takes no new visitors.
    """
    world = _world(truth, seed, per_day)
    watched = [Watched(design, START) for design in EXPERIMENTS]
    lift = _Lift()
    for day in range(HORIZON_DAYS):
        running = [one for one in watched if one.ended_on is None]
        if not running:
            break
        if day < ENROLMENT_DAYS:
            _run_day(world, day, per_day, running, lift)
        for one in running:
            one.look(day + 1)
    return tuple(
        Ending(
            experiment=one.design.key,
            verdict=str(one.verdict),
            day=one.ended_on or HORIZON_DAYS,
            true_lift=lift.value() if one.design.is_decision else truth.effect(one.design.key).checkout - 1.0,
        )
        for one in watched
    )


def _world(truth: Truth, seed: int, per_day: int) -> _World:
    catalogue = draw_catalogue(truth, seed)
    generator = np.random.default_rng([seed, 102])
    crowd = draw_shoppers(truth, round(per_day * PAST_DAYS), generator)
    log = interaction_log(
        catalogue, past_of_crowd(truth, catalogue, crowd, generator), START - timedelta(days=PAST_DAYS)
    )
    snapshot = snapshot_of(EXPERIMENTS, seed=seed, opened_at=START)
    return _World(truth, seed, catalogue, ranker_of(catalogue, log, seed), snapshot)


def _run_day(world: _World, day: int, per_day: int, running: list[Watched], lift: _Lift) -> None:
    """Let a day's visitors come, be assigned and exposed, see their slates, and do what they then do."""
    truth, catalogue = world.truth, world.catalogue
    generator = np.random.default_rng([world.seed, 103, day])
    shoppers = draw_shoppers(truth, per_day, generator)
    liked = affinity(truth, catalogue, shoppers)
    before = days_before(truth, catalogue, shoppers, liked, generator)
    variants = _variants(world, day, per_day, [one.design.key for one in running])
    slates = _slates(world, shoppers, liked, before, variants.get(RECOMMENDATIONS), lift)
    reactions = react(truth, catalogue, liked, shoppers.activity, slates, _factors(truth, variants, per_day), generator)
    totals = totals_of(reactions, np.bincount(before.shopper, minlength=per_day))
    for one in running:
        met = variants[one.design.key]
        lost = generator.uniform(size=per_day) < truth.effect(one.design.key).lost_exposures
        one.record(np.where((met != CONTROL) & lost, "", met), totals)


def _variants(world: _World, day: int, per_day: int, running: list[str]) -> dict[str, np.ndarray]:
    """Return the variant of each visitor of a day in each running experiment, by the product's own engine."""
    at = START + timedelta(days=day)
    found: dict[str, list[str]] = {key: [] for key in running}
    for place in range(per_day):
        units = {"visitor": f"v-{world.seed}-{day}-{place}"}
        answers = assign(units, {}, at, None, world.snapshot, keys=running)
        for key, answer in zip(running, answers, strict=True):
            found[key].append(str(answer.variant))
    return {key: np.array(variants) for key, variants in found.items()}


def _factors(truth: Truth, variants: dict[str, np.ndarray], count: int) -> Factors:
    """Return what the plain treatments that each visitor got do to them together."""
    factors = Factors.none(count)
    for key, met in variants.items():
        effect, treated = truth.effect(key), met != CONTROL
        factors.checkout[treated] *= effect.checkout
        factors.order_value[treated] *= effect.order_value
        factors.views[treated] *= effect.views
    return factors


def _slates(
    world: _World,
    shoppers: Shoppers,
    liked: Floats,
    before: Deeds,
    variants: np.ndarray | None,
    lift: _Lift,
) -> Integers:
    """Return what each visitor is shown on the home page, and add to the exact conversions of both policies."""
    bestsellers = _padded(world.ranker.bestsellers(SLATE_SIZE))
    slates = np.tile(bestsellers, (len(shoppers), 1))
    if variants is None:
        return slates
    treated = np.flatnonzero(variants == experiment(RECOMMENDATIONS).treatment)
    first = np.searchsorted(before.shopper, np.arange(len(shoppers) + 1))
    for place in treated:
        seen = before.item[first[place] : first[place + 1]]
        slates[place] = _padded(world.ranker.personal(seen, SLATE_SIZE))
    shown = (world.truth, world.catalogue, liked[treated], shoppers.activity[treated])
    lift.control += float(expected_conversion(*shown, np.tile(bestsellers, (len(treated), 1))).sum())
    lift.treatment += float(expected_conversion(*shown, slates[treated]).sum())
    return slates


def _padded(slate: Integers) -> Integers:
    return np.concatenate((slate, np.full(SLATE_SIZE - len(slate), EMPTY)))
