"""What is true of the simulated shop: every parameter, what each treatment really does, and so which verdict is right.

The model that these parameters belong to is told in `simulation.behaviour`.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from types import MappingProxyType

RECOMMENDATIONS = "home-recommendations"
"""The experiment whose treatment is a trained model: its effect follows from how tastes cluster."""


@dataclass(frozen=True, slots=True)
class Effect:
    """What a plain treatment does to those who get it.

    checkout, order_value, views: factors on the share of checkouts that are completed (0 to 1.6), on the mean value of
    an order (1 to 2) and on product views. lost_exposures: share of the treatment's exposures that the storefront
    fails to report.
    """

    checkout: float = 1.0
    order_value: float = 1.0
    views: float = 1.0
    lost_exposures: float = 0.0

    def __post_init__(self) -> None:
        if not 0.0 <= self.checkout <= 1.6 or not 1.0 <= self.order_value <= 2.0 or self.views < 0.0:
            raise ValueError("effect: checkout lies in 0..1.6, order_value in 1..2, views is 0 or more")
        if not 0.0 <= self.lost_exposures < 1.0:
            raise ValueError(f"lost_exposures: must be in 0..1, not {self.lost_exposures}")


NO_EFFECT = Effect()

EFFECTS: Mapping[str, Effect] = MappingProxyType(
    {
        "button-colour": NO_EFFECT,
        "lazy-banner": Effect(lost_exposures=0.15),
        "pushy-upsell": Effect(checkout=0.7, order_value=1.2),
    }
)
"""The plain experiments of the demonstration."""


@dataclass(frozen=True, slots=True)
class Truth:
    """The parameters that generate catalogue, shoppers and everything they do.

    items, categories, styles: of the catalogue, a style being a kind within a category. out_of_stock: share of items.
    popularity_spread, price_spread: standard deviations of the logarithms of quality and price.
    taste: how much more a shopper looks at the favourite category and at their style; 0 makes everybody alike.
    thrift: mean price sensitivity. views: mean product views a visit; history: the same in the days before it;
    past: the same of a shopper of the days before the experiments start.
    returning: share of shoppers with such days. wanting: share who want something whatever is shown to them.
    click, cart: chance that an item of mean appeal is clicked when it is looked at, and put into the cart when clicked.
    attention: positions after which an item is looked at half as often. checkout: share of filled carts that are paid.
    refunds: share of orders. effects: of the plain treatments, by experiment.
    """

    items: int = 600
    categories: int = 12
    styles: int = 4
    out_of_stock: float = 0.05
    popularity_spread: float = 0.6
    price_spread: float = 0.4
    taste: float = 1.0
    thrift: float = 0.3
    views: float = 4.0
    history: float = 6.0
    past: float = 8.0
    returning: float = 0.75
    wanting: float = 0.16
    click: float = 0.026
    cart: float = 0.1
    attention: float = 4.0
    checkout: float = 0.6
    refunds: float = 0.05
    effects: Mapping[str, Effect] = field(default_factory=lambda: dict(EFFECTS))

    def effect(self, experiment: str) -> Effect:
        """Return what a plain treatment does; nothing for one that is not named."""
        return self.effects.get(experiment, NO_EFFECT)

    def fingerprint(self, seed: int) -> str:
        """Return a digest of the truth and of the seed that draws from it, to be shown before a run."""
        text = json.dumps({"seed": seed, **asdict(self)}, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def right_verdict(self, experiment: str) -> str:
        """Return what an ideal analysis with enough data says of an experiment."""
        effect = self.effect(experiment)
        if effect.lost_exposures > 0.0:
            return "INVALID"
        if experiment == RECOMMENDATIONS:
            return "SHIP" if self.taste > 0.0 else "INCONCLUSIVE"
        if effect.checkout < 1.0 or effect.views < 1.0:
            return "STOP_FOR_HARM"
        return "SHIP" if effect.checkout > 1.0 else "INCONCLUSIVE"

    def judgement(self, experiment: str, verdict: str | None) -> str:
        """Return how a verdict stands to the truth: right, wrong, or undecided."""
        right = self.right_verdict(experiment)
        if verdict == right:
            return "right"
        return "undecided" if verdict in (None, "CONTINUE", "INCONCLUSIVE") else "wrong"
