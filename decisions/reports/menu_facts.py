"""What was known of the subject of a decision, and what speaks against its model, in the language of the page."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Final

from django.utils.translation import gettext_lazy

from decisions.queries.explained import ExplainedMenu
from experiments.reports import figures
from experiments.reports.figures import Shape
from experiments.reports.page import Fact
from experiments.reports.times import moment
from experiments.reports.wording import Text
from foundation.queries import ProjectFacts

_NAMES: Final[Mapping[str, Text]] = {
    "price": gettext_lazy("Present price"),
    "own_price": gettext_lazy("The shop's own price"),
    "cost": gettext_lazy("Cost"),
    "floor": gettext_lazy("Floor"),
    "map_price": gettext_lazy("Minimum advertised price"),
    "ceiling": gettext_lazy("Ceiling"),
    "reference": gettext_lazy("Lowest price of 30 days"),
    "changed_at": gettext_lazy("Price changed"),
    "daily_sales": gettext_lazy("Sold a day, 28 days"),
    "on_hand": gettext_lazy("On hand"),
    "on_order": gettext_lazy("On order"),
    "counted_at": gettext_lazy("Counted"),
    "capacity": gettext_lazy("Room"),
    "reorder_point": gettext_lazy("Reorder point"),
    "order_up_to": gettext_lazy("Order up to"),
    "lead_days": gettext_lazy("Lead time, days"),
    "lead_sd": gettext_lazy("Spread of the lead time, days"),
    "pack_size": gettext_lazy("Pieces of a pack"),
    "minimum_order": gettext_lazy("Smallest order"),
    "shelf_life": gettext_lazy("Shelf life, days"),
}
_ORDER: Final = {name: place for place, name in enumerate(_NAMES)}
_MONEY: Final = frozenset({"price", "own_price", "cost", "floor", "map_price", "ceiling", "reference"})
_TIMES: Final = frozenset({"changed_at", "counted_at"})
DOUBTS: Final[Mapping[str, Text]] = {
    "CLIPPED": gettext_lazy("The estimate was outside of what can be believed; the nearest that can stands for it."),
    "NEVER_CHANGED": gettext_lazy("The item's price never changed: the elasticity is that of items like it."),
    "FEW_PRICES": gettext_lazy("The item had no more than two prices."),
    "BULK_DISCOUNTS": gettext_lazy("What was paid follows the quantity of the order: bulk discounts look like demand."),
    "PRICE_FOLLOWS_DEMAND": gettext_lazy(
        "The price was changed after demand had: it may be its effect, not its cause."
    ),
}


def known_facts(menu: ExplainedMenu, project: ProjectFacts) -> Iterator[Fact]:
    """Yield what was known of the subject of a decision, in the language of the page."""
    for name in sorted(menu.facts, key=lambda known: _ORDER.get(known, len(_ORDER))):
        label, value = _NAMES.get(name, name), menu.facts[name]
        if name in _TIMES:
            yield Fact(label, moment(_at(value), project.time_zone))
        elif name in _MONEY:
            yield Fact(label, figures.total(value, Shape.MONEY, project.currency))
        else:
            yield Fact(label, short(value))


def short(value: float) -> str:
    """Return a number of pieces or days, with at most two decimals."""
    return f"{value:,.2f}".rstrip("0").rstrip(".")


def _at(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
