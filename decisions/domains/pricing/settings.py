"""What can be set at a decision point of pricing."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from decisions.domain import Setting

PROFIT: Final = "profit"
REVENUE: Final = "revenue"
NO_CHARM: Final = "none"

SETTINGS: Final[Mapping[str, Setting]] = MappingProxyType(
    {
        "objective": Setting(
            about="What a price is to bring: profit (price less cost, by demand) or revenue (price by demand).",
            default=PROFIT,
            choices=(PROFIT, REVENUE),
        ),
        "max_step": Setting(
            about="Share of the present price by which one decision may change it.", default=0.1, least=0.0, most=0.5
        ),
        "grid_step": Setting(
            about="Share of the present price from one price of the menu to the next; at most 41 prices are compared.",
            default=0.01,
            least=0.001,
            most=0.25,
        ),
        "cool_down_hours": Setting(
            about="Hours after a change of price in which it does not change again.",
            default=168.0,
            least=0.0,
            most=8_760.0,
        ),
        "min_margin": Setting(
            about="Share of the cost by which a new price has to be above it.", default=0.0, least=0.0, most=10.0
        ),
        "charm": Setting(
            about="How prices of the menu end: none, 9 (such as 19.49) or 99 (such as 19.99).",
            default=NO_CHARM,
            choices=(NO_CHARM, "9", "99"),
        ),
        "decimals": Setting(
            about="Decimals of prices; 0 for currencies such as JPY, KRW or VND.",
            default="2",
            choices=("0", "1", "2", "3"),
        ),
        "quote_minutes": Setting(
            about="Minutes for which a price that was quoted is honoured.", default=30.0, least=1.0, most=1_440.0
        ),
    }
)
