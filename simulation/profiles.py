"""What is known of visitors before they meet anything: browser, channel, and whether they are robots.

It is drawn for each visitor by itself and depends neither on tastes nor on variants, so it changes no true effect.
Robots of the simulated shop say what they are (`is_bot`). They look at products and never order: the effect among
everybody is a little smaller than the one among shoppers, which is the one that is true.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

BROWSERS: Final[Mapping[str, float]] = {"chrome": 0.56, "safari": 0.28, "edge": 0.1, "firefox": 0.06}
CHANNELS: Final[Mapping[str, float]] = {"search": 0.42, "direct": 0.28, "social": 0.18, "newsletter": 0.12}
ROBOTS: Final = 0.02
"""Share of visitors."""
DIMENSIONS: Final = ("browser", "channel")
ROBOT_ATTRIBUTE: Final = "is_bot"
ATTRIBUTES: Final = (*DIMENSIONS, ROBOT_ATTRIBUTE)
"""Everything that the storefront sends of a visitor."""
MEDIAN_CRAWL: Final = 25.0
LONGEST_CRAWL: Final = 600


@dataclass(frozen=True, slots=True)
class Profile:
    """A visitor's attributes. crawled: product views of a robot, 0 for a shopper."""

    attributes: Mapping[str, str | bool]
    crawled: int = 0

    @property
    def robot(self) -> bool:
        """Whether no person shops here."""
        return self.crawled > 0


def draw_profile(generator: np.random.Generator) -> Profile:
    """Return one visitor's profile. A few robots view hundreds of products."""
    browser, channel = (_drawn(shares, generator) for shares in (BROWSERS, CHANNELS))
    known: dict[str, str | bool] = {"browser": browser, "channel": channel}
    if generator.uniform() >= ROBOTS:
        return Profile({**known, ROBOT_ATTRIBUTE: False})
    crawled = min(LONGEST_CRAWL, 1 + int(generator.lognormal(np.log(MEDIAN_CRAWL), 1.0)))
    return Profile({**known, ROBOT_ATTRIBUTE: True}, crawled)


def _drawn(shares: Mapping[str, float], generator: np.random.Generator) -> str:
    return str(generator.choice(list(shares), p=list(shares.values())))
