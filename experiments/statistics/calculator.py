"""Design from summary numbers: how many units, how long, how small an effect, how much power.

A comparison is a drift: the mean of Z at the horizon. With n units of control and k times as many in a treatment,
sqrt(n / f) |difference| = z null + (drift - z) alternative, z the fixed bound, f the design effect times 1 - R^2, null
and alternative the standard deviations of the difference per unit of control without and with the effect (pooled
and unpooled for rates, equal for means). One look gives the textbook formulas; bounds over several looks ask for a
larger drift.
"""

import math
from dataclasses import dataclass
from enum import StrEnum

from scipy.optimize import brentq

from experiments.statistics.design_bounds import Bounds, level_each, one_sided_bounds, probit, two_sided_bounds
from experiments.statistics.designs import Baseline, Design, DesignInvalid, Guardrail
from experiments.statistics.distributions import normal_isf
from experiments.statistics.power import optimal_control_share

WEEKS_SHOWN = 12
_STEPS = 200
_LARGEST_LIFT = 1e6
_MOST_UNITS = 1e15


class Asked(StrEnum):
    """Which figure was solved for."""

    UNITS = "UNITS"
    LIFT = "LIFT"
    POWER = "POWER"


class Missing(StrEnum):
    """Why a figure of an answer does not exist."""

    NO_TRAFFIC = "NO_TRAFFIC"
    NO_CLUSTERS = "NO_CLUSTERS"
    WINDOW_OPEN = "WINDOW_OPEN"
    TOO_FEW_UNITS = "TOO_FEW_UNITS"
    NO_POSSIBLE_LIFT = "NO_POSSIBLE_LIFT"


@dataclass(frozen=True, slots=True)
class GuardrailPower:
    """The chance that an unharmed guardrail is shown to be within its margin."""

    name: str
    power: float


@dataclass(frozen=True, slots=True)
class Week:
    """The smallest lift found with the wanted power after so many weeks, and the units by then.

    units: entered, with a closed window. lift: None where nothing is found yet, and reason says why.
    """

    week: int
    units: int
    lift: float | None
    reason: Missing | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """A design with every figure filled in.

    lift, difference: of one treatment against control. power: of finding it on the decision metric; ship_power: times
    the power of every guardrail, as if independent (a lower bound when they go together). units: entering, all arms;
    analysed: those that the change can reach. days: whole weeks with closed windows. alpha_each: two-sided level of a
    comparison, all looks together. inflation: units over those of one look. mean_share: of the horizon used on
    average if the lift is real. reasons: of the figures that do not exist, by name.
    """

    asked: Asked
    lift: float
    difference: float
    power: float
    ship_power: float
    guardrails: tuple[GuardrailPower, ...]
    units: int
    analysed: int
    control: int
    each_treatment: int
    clusters: int | None
    days: int | None
    alpha_each: float
    last_bound: float
    inflation: float
    mean_share: float
    design_effect: float
    optimal_control_share: float
    by_week: tuple[Week, ...]
    reasons: dict[str, Missing]


def units_for(design: Design, lift: float) -> Answer:
    """Return the design with the fewest units that find the lift, and pass every guardrail, with the wanted power.

    lift: relative, either sign. Raises DesignInvalid.
    """
    _check_lift(design.baseline, lift)
    bounds = two_sided_bounds(design.looks, level_each(design))
    control = _control_units(design, lift, bounds, bounds.drift(design.power))
    if design.guardrails:
        control = _enough_to_ship(design, lift, bounds, control)
    return _answer(design, Asked.UNITS, lift, bounds, control)


def lift_for(design: Design, units: float) -> Answer:
    """Return the design with the smallest increase that so many entering units find with the wanted power.

    Raises DesignInvalid when not even the largest possible one is found.
    """
    control = _control_of(design, units)
    bounds = two_sided_bounds(design.looks, level_each(design))
    found = _smallest_lift(design, bounds, bounds.drift(design.power), control)
    if found is None:
        raise DesignInvalid(f"units: {units:g} find no lift with power {design.power}", hint="Plan for more units.")
    return _answer(design, Asked.LIFT, found, bounds, control)


def power_for(design: Design, lift: float, units: float) -> Answer:
    """Return the design with the power that so many entering units have for the lift. Raises DesignInvalid."""
    _check_lift(design.baseline, lift)
    control = _control_of(design, units)
    return _answer(design, Asked.POWER, lift, two_sided_bounds(design.looks, level_each(design)), control)


def _answer(design: Design, asked: Asked, lift: float, bounds: Bounds, control: float) -> Answer:
    drift, needed = _drift(design, lift, bounds, control), bounds.drift(design.power)
    power = bounds.power(drift)
    guardrails = tuple(GuardrailPower(each.name, _guardrail_power(design, each, control)) for each in design.guardrails)
    one_look = _control_units(design, lift, bounds, bounds.fixed + normal_isf(1.0 - design.power))
    if not control / (design.share_of_control * design.triggered) < _MOST_UNITS:
        raise DesignInvalid(f"lift: {lift:g} is too small to be found with any number of units")
    in_control, in_treatment = _whole(control), _whole(control * design.ratio)
    analysed = in_control + design.treatments * in_treatment
    units = _whole(analysed / design.triggered)
    return Answer(
        asked=asked,
        lift=lift,
        difference=lift * design.baseline.mean,
        power=power,
        ship_power=math.prod((each.power for each in guardrails), start=power),
        guardrails=guardrails,
        units=units,
        analysed=analysed,
        control=in_control,
        each_treatment=in_treatment,
        clusters=None if design.clusters is None else _whole(analysed / design.clusters.mean_size),
        days=None if design.traffic is None else design.traffic.days_for(units),
        alpha_each=level_each(design),
        last_bound=bounds.upper[-1],
        inflation=_control_units(design, lift, bounds, needed) / one_look,
        mean_share=bounds.mean_share(drift),
        design_effect=design.variance_factor,
        optimal_control_share=optimal_control_share(design.treatments),
        by_week=_weeks(design, bounds, needed),
        reasons=_reasons(design),
    )


def _spreads(design: Design, lift: float) -> tuple[float, float]:
    """Return the standard deviations of the difference per unit of control, without and with the effect."""
    base, ratio = design.baseline, design.ratio
    if not base.is_rate:
        spread = base.sd * math.sqrt(1.0 + 1.0 / ratio)
        return spread, spread
    treatment = base.mean * (1.0 + lift)
    pooled = (base.mean + ratio * treatment) / (1.0 + ratio)
    null = math.sqrt(pooled * (1.0 - pooled) * (1.0 + 1.0 / ratio))
    return null, math.sqrt(base.mean * (1.0 - base.mean) + treatment * (1.0 - treatment) / ratio)


def _factor(design: Design) -> float:
    return design.variance_factor * (1.0 - design.baseline.r2)


def _control_units(design: Design, lift: float, bounds: Bounds, drift: float) -> float:
    """Return the units of control at which the lift has the drift."""
    null, alternative = _spreads(design, lift)
    root = (bounds.fixed * null + (drift - bounds.fixed) * alternative) / (abs(lift) * design.baseline.mean)
    units = _factor(design) * root * root
    if not units < _MOST_UNITS:
        raise DesignInvalid(f"lift: {lift:g} is too small to be found with any number of units")
    return max(2.0, 2.0 / design.ratio, units)


def _drift(design: Design, lift: float, bounds: Bounds, control: float) -> float:
    """Return the drift that the lift has with so many units of control."""
    null, alternative = _spreads(design, lift)
    distance = math.sqrt(control / _factor(design)) * abs(lift) * design.baseline.mean
    return bounds.fixed + (distance - bounds.fixed * null) / alternative


def _smallest_lift(design: Design, bounds: Bounds, drift: float, control: float) -> float | None:
    """Return the smallest increase with at least the drift, or None where no possible one has it."""
    high = (1.0 / design.baseline.mean - 1.0) * (1.0 - 1e-9) if design.baseline.is_rate else _LARGEST_LIFT
    low = 0.0
    if _drift(design, high, bounds, control) < drift:
        return None
    for _ in range(_STEPS):
        middle = 0.5 * (low + high)
        if middle in (low, high) or high - low < 1e-13 * high:
            break
        if _drift(design, middle, bounds, control) < drift:
            low = middle
        else:
            high = middle
    return high


def _guardrail_power(design: Design, guardrail: Guardrail, control: float) -> float:
    """Return the power of psi = m_t - (1 -+ M) m_c against its margin, both arms alike."""
    base = guardrail.baseline
    moved = 1.0 + guardrail.margin if guardrail.lower_is_better else 1.0 - guardrail.margin
    factor = design.variance_factor * (1.0 - base.r2)
    se = base.sd * math.sqrt(factor * (moved * moved + 1.0 / design.ratio) / control)
    return one_sided_bounds(design.looks, guardrail.alpha).power(guardrail.margin * base.mean / se)


def _enough_to_ship(design: Design, lift: float, bounds: Bounds, control: float) -> float:
    """Return the units of control at which decision metric and guardrails together have the wanted power."""

    def spare(log_units: float) -> float:
        units = math.exp(log_units)
        power = bounds.power(_drift(design, lift, bounds, units))
        power = math.prod((_guardrail_power(design, each, units) for each in design.guardrails), start=power)
        return probit(power) - probit(design.power)

    low = math.log(control)
    if spare(low) >= 0.0:
        return control
    high = low
    while spare(high) < 0.0:
        low, high = high, high + math.log(2.0)
        if high > math.log(_MOST_UNITS):
            raise DesignInvalid("guardrails: no number of units has the wanted power")
    return math.exp(brentq(spare, low, high, xtol=1e-9))


def _weeks(design: Design, bounds: Bounds, drift: float) -> tuple[Week, ...]:
    traffic = design.traffic
    if traffic is None:
        return ()
    return tuple(_week(design, bounds, drift, week, traffic.units_by(7.0 * week)) for week in range(1, WEEKS_SHOWN + 1))


def _week(design: Design, bounds: Bounds, drift: float, week: int, entered: float) -> Week:
    units = math.floor(min(entered, _MOST_UNITS))
    control = units * design.triggered * design.share_of_control
    if entered <= 0.0:
        return Week(week, 0, None, Missing.WINDOW_OPEN)
    if min(control, control * design.ratio) < 2.0:
        return Week(week, units, None, Missing.TOO_FEW_UNITS)
    lift = _smallest_lift(design, bounds, drift, control)
    return Week(week, units, lift, Missing.NO_POSSIBLE_LIFT if lift is None else None)


def _reasons(design: Design) -> dict[str, Missing]:
    reasons: dict[str, Missing] = {}
    if design.traffic is None:
        reasons |= {"days": Missing.NO_TRAFFIC, "by_week": Missing.NO_TRAFFIC}
    if design.clusters is None:
        reasons["clusters"] = Missing.NO_CLUSTERS
    return reasons


def _control_of(design: Design, units: float) -> float:
    """Return the triggered units of control among all that enter."""
    if not 0.0 < units < math.inf:
        raise DesignInvalid(f"units: must be above 0 and finite, not {units}")
    control = units * design.triggered * design.share_of_control
    if min(control, control * design.ratio) < 2.0:
        raise DesignInvalid(f"units: {units:g} leave an arm with fewer than 2 units")
    return control


def _check_lift(baseline: Baseline, lift: float) -> None:
    if not -1.0 < lift < _LARGEST_LIFT or lift == 0.0:
        raise DesignInvalid(f"lift: must be above -1 and not 0, not {lift}", hint="+5% is 0.05.")
    if baseline.is_rate and not baseline.mean * (1.0 + lift) < 1.0:
        raise DesignInvalid(f"lift: a rate of {baseline.mean} cannot grow by {lift}")


def _whole(units: float) -> int:
    """Return the next whole number, forgiving the error of a division."""
    return math.ceil(units * (1.0 - 1e-12))
