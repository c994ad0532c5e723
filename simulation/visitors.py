"""The visitors of a live run: who comes when, drawn from the truth before anybody is assigned."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from simulation.behaviour import Factors, Reactions, expected_conversion, react
from simulation.catalogue import Floats, Integers
from simulation.events import Event
from simulation.past import PAST_DAYS, days_before, past_of_crowd
from simulation.profiles import Profile, draw_profile
from simulation.shoppers import Shoppers, affinity, draw_shoppers
from simulation.storefront import Shop, crawl_events, past_events, visit_events


@dataclass(frozen=True, slots=True, eq=False)
class Visitor:
    """Somebody who comes: a shopper with an id, a time, what they like, and a seed for all that they will do.

    Of a robot only id, time and profile matter.
    """

    id: str
    arrives_at: datetime
    shopper: Shoppers
    liked: Floats
    seed: tuple[int, ...]
    profile: Profile

    def generator(self, purpose: int) -> np.random.Generator:
        """Return the random numbers of one purpose; they depend on nothing that happens in the shop."""
        return np.random.default_rng([*self.seed, purpose])


@dataclass(frozen=True, slots=True)
class Met:
    """What a visitor met: the slate, and the factors of the plain treatments together."""

    slate: Integers
    checkout: float = 1.0
    order_value: float = 1.0
    views: float = 1.0


def crowd_events(shop: Shop, *, per_day: int, start: datetime) -> list[Event]:
    """Return what the shoppers of the past did from `start` on for PAST_DAYS, in the order of time."""
    generator = np.random.default_rng([shop.seed, 202])
    crowd = draw_shoppers(shop.truth, round(per_day * PAST_DAYS), generator)
    deeds = past_of_crowd(shop.truth, shop.catalogue, crowd, generator)
    names = [f"c-{shop.seed}-{place}" for place in range(len(crowd))]
    return sorted(past_events(shop, deeds, names, [start] * len(crowd)), key=lambda event: event.at)


def arrivals(shop: Shop, *, day: int, start: datetime, per_day: int) -> list[Visitor]:
    """Return the visitors who first come on a day, in the order of their arrival."""
    generator = np.random.default_rng([shop.seed, 203, day])
    hours = np.sort(generator.uniform(0.0, 24.0, per_day))
    shoppers = draw_shoppers(shop.truth, per_day, generator)
    liked = affinity(shop.truth, shop.catalogue, shoppers)
    return [
        Visitor(
            id=f"v-{shop.seed}-{day}-{place}",
            arrives_at=start + timedelta(days=day, hours=float(hours[place])),
            shopper=shoppers.one(place),
            liked=liked[place : place + 1],
            seed=(shop.seed, 204, day, place),
            profile=draw_profile(np.random.default_rng([shop.seed, 205, day, place])),
        )
        for place in range(per_day)
    ]


def history(shop: Shop, visitor: Visitor) -> Iterator[Event]:
    """Yield what a returning visitor looked at in the days before; it knows no variant. Robots have no past."""
    if visitor.profile.robot:
        return iter(())
    deeds = days_before(shop.truth, shop.catalogue, visitor.shopper, visitor.liked, visitor.generator(1))
    return past_events(shop, deeds, [visitor.id], [visitor.arrives_at])


def behaviour(shop: Shop, visitor: Visitor, met: Met) -> Iterator[Event]:
    """Yield what a visitor does after arriving, given what they met."""
    generator = visitor.generator(2)
    if visitor.profile.robot:
        return crawl_events(shop, visitor.id, visitor.arrives_at, visitor.profile.crawled, generator)
    slates = met.slate[None, :]
    factors = Factors(np.array([met.checkout]), np.array([met.order_value]), np.array([met.views]))
    done: Reactions = react(
        shop.truth, shop.catalogue, visitor.liked, visitor.shopper.activity, slates, factors, generator
    )
    return visit_events(shop, visitor.id, visitor.arrives_at, met.slate, done, visitor.liked[0], generator)


def conversion(shop: Shop, visitor: Visitor, slate: Integers) -> float:
    """Return the exact chance that a visitor orders who is shown a slate and meets no plain treatment."""
    found = expected_conversion(shop.truth, shop.catalogue, visitor.liked, visitor.shopper.activity, slate[None, :])
    return float(found[0])
