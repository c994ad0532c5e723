"""What is true of the simulated ads: which campaign fits whom, and so which policy is better.

Somebody with device h who is shown creative j of campaign c at position k (from 0) clicks on it with probability
min(1/2, click x quality_j x fit_ch) / (1 + k / attention), each creative by itself; one who clicked orders with
probability `order`. Every device has one campaign that fits it. A policy's true effect on the share of visitors
who click is the mean of 1 - prod_k (1 - p_k) over the visitors it served, against the other's.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
MOST_CLICKS = 0.5
COLLECTION = "creatives"
DEVICES: Mapping[str, float] = MappingProxyType({"phone": 0.5, "desktop": 0.35, "tablet": 0.15})
"""Shares of visitors."""


@dataclass(frozen=True, slots=True)
class AdTruth:
    """The parameters of campaigns and clicks.

    campaigns: at least as many as devices. creatives: of each campaign. click: chance that a creative of mean quality
    is clicked in the first place by somebody whom its campaign neither fits nor misses. fit, misfit: factors for the
    device's own campaign and for all others; 1 and 1 make everybody alike. quality_spread, bid_spread: standard
    deviations of logarithms. bid: for a click, in currency units. budget: of a campaign's day. attention: positions
    after which half as many look. order: chance that a click ends in an order.
    """

    campaigns: int = 6
    creatives: int = 3
    click: float = 0.06
    fit: float = 4.0
    misfit: float = 0.7
    quality_spread: float = 0.3
    bid: float = 0.4
    bid_spread: float = 0.05
    budget: float = 10_000.0
    attention: float = 4.0
    order: float = 0.15

    def __post_init__(self) -> None:
        if self.campaigns < len(DEVICES) or self.creatives < 1 or not 0.0 < self.click < MOST_CLICKS:
            raise ValueError(f"needs {len(DEVICES)} campaigns with creatives, and a click in 0..{MOST_CLICKS}")


@dataclass(frozen=True, slots=True, eq=False)
class Creatives:
    """Columns of equal length, one entry for each creative; chances: click at position 0, creatives x devices."""

    truth: AdTruth
    ids: tuple[str, ...]
    titles: tuple[str, ...]
    campaign: npt.NDArray[np.int64]
    bids: Floats
    chances: Floats

    def items(self) -> list[dict[str, Any]]:
        """Return the creatives as `PUT /v1/creatives` takes them."""
        return [
            {
                "item_id": self.ids[place],
                "title": self.titles[place],
                "category": "ad",
                "campaign": f"campaign-{self.campaign[place]}",
                "advertiser": f"advertiser-{self.campaign[place] % 3}",
                "bid": float(self.bids[place]),
                "budget": self.truth.budget,
            }
            for place in range(len(self.ids))
        ]

    def click_chances(self, shown: list[str], device: str) -> Floats:
        """Return the chance that each of the creatives shown, in their order, is clicked by a visitor of a device."""
        places = [self.ids.index(creative) for creative in shown]
        looks = 1.0 / (1.0 + np.arange(len(places)) / self.truth.attention)
        return np.asarray(self.chances[places, list(DEVICES).index(device)] * looks, dtype=np.float64)

    def any_click(self, shown: list[str], device: str) -> float:
        """Return the exact chance that a visitor of a device clicks on anything that is shown."""
        return float(1.0 - np.prod(1.0 - self.click_chances(shown, device)))


def draw_creatives(truth: AdTruth, seed: int) -> Creatives:
    """Return the creatives of a seed: which campaign fits which device is a draw of its own."""
    generator = np.random.default_rng([seed, 301])
    count = truth.campaigns * truth.creatives
    campaign = np.arange(count) // truth.creatives
    quality = generator.lognormal(0.0, truth.quality_spread, count)
    fitting = generator.permutation(truth.campaigns)[: len(DEVICES)]
    fit = np.where(campaign[:, None] == fitting[None, :], truth.fit, truth.misfit)
    bids = np.round(truth.bid * generator.lognormal(0.0, truth.bid_spread, count), 2)
    return Creatives(
        truth=truth,
        ids=tuple(f"ad-{number:03d}" for number in range(count)),
        titles=tuple(f"Offer {number} of campaign {campaign[number]}" for number in range(count)),
        campaign=campaign,
        bids=bids,
        chances=np.minimum(MOST_CLICKS, truth.click * quality[:, None] * fit),
    )
