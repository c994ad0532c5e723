"""Revenue per unit as conversion times order value: a description of where a lift came from."""

import math
from dataclasses import dataclass

from experiments.statistics.figures import FigureInvalid
from experiments.statistics.results import Undefined, UndefinedReason


@dataclass(frozen=True, slots=True)
class SalesTotals:
    """Units, orders (one for each converter) and revenue of one arm. Raises FigureInvalid for what cannot be."""

    units: int
    orders: int
    revenue: float

    def __post_init__(self) -> None:
        for name, count in (("units", self.units), ("orders", self.orders)):
            if count < 0:
                raise FigureInvalid(f"{name}: must be 0 or more, not {count}")
        if not math.isfinite(self.revenue):
            raise FigureInvalid(f"revenue: must be finite, not {self.revenue}")


@dataclass(frozen=True, slots=True)
class RevenueDecomposition:
    """Lifts of revenue per unit, of orders per unit and of revenue per order.

    log_conversion + log_order_value = ln(1 + revenue): shares of the log lift; undefined where an arm sold nothing
    or refunded more than it sold.
    """

    revenue: float
    conversion: float
    order_value: float
    log_conversion: float | Undefined
    log_order_value: float | Undefined


def decompose(control: SalesTotals, treatment: SalesTotals) -> RevenueDecomposition | Undefined:
    """Return ln(RPV ratio) = ln(conversion ratio) + ln(AOV ratio), or why it does not exist.

    Descriptive: buyers are chosen by the treatment, so the order value's part is no causal effect on buyers.
    """
    if control.units == 0 or treatment.units == 0:
        return Undefined(UndefinedReason.NO_DATA)
    if control.orders == 0 or control.revenue == 0.0:
        return Undefined(UndefinedReason.ZERO_CONTROL)
    if control.revenue < 0.0:
        return Undefined(UndefinedReason.NEGATIVE_CONTROL)
    if treatment.orders == 0:
        return Undefined(UndefinedReason.ZERO_DENOMINATOR)
    conversion = treatment.orders / treatment.units / (control.orders / control.units)
    order_value = treatment.revenue / treatment.orders / (control.revenue / control.orders)
    if not math.isfinite(conversion * order_value):
        return Undefined(UndefinedReason.OVERFLOW)
    return RevenueDecomposition(
        conversion * order_value - 1.0, conversion - 1.0, order_value - 1.0, _log(conversion), _log(order_value)
    )


def _log(ratio: float) -> float | Undefined:
    return math.log(ratio) if ratio > 0.0 else Undefined(UndefinedReason.ZERO_DENOMINATOR)
