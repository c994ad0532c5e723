"""What can be set at a decision point of restock."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from decisions.domain import Setting

SETTINGS: Final[Mapping[str, Setting]] = MappingProxyType(
    {
        "objective": Setting(
            about="What orders are weighed by: the service level, or the margin that a missing piece costs.",
            default="service",
            choices=("service", "newsvendor"),
        ),
        "service_level": Setting(
            about="Probability that nothing is missing until the next order can be there.",
            default=0.95,
            least=0.5,
            most=0.999,
        ),
        "holding_rate": Setting(
            about="What holding a piece for a year costs, as a share of its cost.", default=0.25, least=0.0, most=5.0
        ),
        "shortage": Setting(
            about="What a missing piece costs, as a share of its price less its cost.",
            default=1.0,
            least=0.0,
            most=10.0,
        ),
        "review_days": Setting(about="Days from one decision to the next.", default=1.0, least=0.0, most=90.0),
        "cash": Setting(
            about="The most that one order of an item for a store may cost, currency units; 0 is without end.",
            default=0.0,
            least=0.0,
            most=1e12,
        ),
    }
)
