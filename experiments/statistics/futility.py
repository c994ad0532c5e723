"""Futility: when a group-sequential test may stop because it will hardly find the planned effect any more.

Futility is advice. With the default, non-binding bounds the efficacy bounds stay as they are without futility, so
that going on in spite of it costs no error.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

from experiments.statistics.distributions import normal_isf
from experiments.statistics.group_sequential import bounds_for
from experiments.statistics.recursion import FLOOR, State, crossing_probabilities, origin
from experiments.statistics.spending import Spending, spent
from foundation.errors import DomainError

_NEGLIGIBLE = 1e-16
_CLOSE = 1e-10
_STEPS = 200


class FutilityInvalid(DomainError):
    """A design for which no futility bounds exist."""

    code: ClassVar[str] = "FUTILITY_INVALID"
    hint = "Information grows from above 0 to 1; alpha and beta lie between 0 and 0.5."


@dataclass(frozen=True, slots=True)
class SpendingRule:
    """How an error is spent over the horizon; parameter as in `spending.spent`."""

    kind: Spending = Spending.OBRIEN_FLEMING
    parameter: float | None = None

    def by(self, fraction: float, total: float) -> float:
        """Return what may be spent by a fraction of the horizon."""
        return spent(fraction, total, self.kind, self.parameter)


@dataclass(frozen=True, slots=True)
class FutilityDesign:
    """Upper (efficacy) and lower (futility) z-bounds of a one-sided test, and what they cost.

    efficacy: of every look. futility: of every look but the last, at which both bounds meet; -infinite where no beta
    is spent yet. drift: mean of Z at information 1 for which the power is 1 - beta. inflation: largest sample over
    that of a fixed test. expected_planned, expected_null: mean sample over that of a fixed test, with the planned
    effect and with none.
    """

    efficacy: tuple[float, ...]
    futility: tuple[float, ...]
    drift: float
    inflation: float
    expected_planned: float
    expected_null: float


def beta_spending(
    information: tuple[float, ...],
    *,
    alpha: float,
    beta: float,
    alpha_rule: SpendingRule | None = None,
    beta_rule: SpendingRule | None = None,
    binding: bool = False,
) -> FutilityDesign:
    """Return the bounds that spend alpha upwards without an effect and beta downwards with the planned one.

    alpha is one-sided. The drift theta solves P_theta(no rejection) = beta with a_k from P_theta(went on, Z_k < a_k)
    = beta_k - beta_{k-1} and a_K = b_K (Pampallona, Tsiatis & Kim 2001; Lan & DeMets 1983). Not binding: b_k ignore
    futility. Binding: they count on it, and the test errs more often than alpha when it is ignored. Raises
    FutilityInvalid.
    """
    _check(information, alpha, beta)
    upper_rule, lower_rule = alpha_rule or SpendingRule(), beta_rule or SpendingRule()
    alphas = tuple(upper_rule.by(t, alpha) for t in information)
    betas = tuple(lower_rule.by(t, beta) for t in information)
    fixed = None if binding else bounds_for(information, alphas)
    walk = partial(_walk, information, alphas, betas, fixed)
    drift = _drift_for(lambda theta: walk(theta).missed - beta, normal_isf(alpha) + normal_isf(beta))
    found = walk(drift)
    inflation = (drift / (normal_isf(alpha) + normal_isf(beta))) ** 2
    planned, null = (_expected(information, found, theta) for theta in (drift, 0.0))
    return FutilityDesign(found.efficacy, found.futility[:-1], drift, inflation, inflation * planned, inflation * null)


def at_drift(
    information: tuple[float, ...],
    drift: float,
    *,
    alpha: float,
    beta: float,
    alpha_rule: SpendingRule | None = None,
    beta_rule: SpendingRule | None = None,
) -> tuple[float, ...]:
    """Return the non-binding futility bounds, of every look but the last, that spend beta at a given drift.

    For a design whose size is fixed: P_drift(stops for futility by look k) = beta_k, so that the planned effect is
    given up with probability beta at most. alpha is one-sided. Raises FutilityInvalid.
    """
    _check(information, alpha, beta)
    upper_rule, lower_rule = alpha_rule or SpendingRule(), beta_rule or SpendingRule()
    alphas = tuple(upper_rule.by(t, alpha) for t in information)
    betas = tuple(lower_rule.by(t, beta) for t in information)
    return _walk(information, alphas, betas, bounds_for(information, alphas), drift).futility[:-1]


@dataclass(frozen=True, slots=True)
class _Walk:
    """Bounds that a drift leads to (futility ends with the last efficacy bound), and the power they miss."""

    efficacy: tuple[float, ...]
    futility: tuple[float, ...]
    missed: float


def _walk(
    information: tuple[float, ...],
    alphas: tuple[float, ...],
    betas: tuple[float, ...],
    fixed: tuple[float, ...] | None,
    drift: float,
) -> _Walk:
    """Return the bounds, look by look; the efficacy bounds are `fixed`, or follow from alpha where futility binds."""
    with_effect, without = origin(), origin()
    efficacy: list[float] = []
    futility: list[float] = []
    missed, last = 0.0, len(information) - 1
    for k, at in enumerate(information):
        root = math.sqrt(at)
        target = alphas[k] - (alphas[k - 1] if k else 0.0)
        top = fixed[k] if fixed is not None else _upper(without, at, target)
        bottom = top if k == last else min(top, _lower(with_effect, at, betas[k] - (betas[k - 1] if k else 0.0), drift))
        missed += with_effect.below(at, bottom * root, drift)
        efficacy.append(top)
        futility.append(bottom)
        if k < last:
            with_effect = _going_on(with_effect, at, bottom, top, drift)
            without = without if fixed is not None else _going_on(without, at, bottom, top, 0.0)
    return _Walk(tuple(efficacy), tuple(futility), missed)


def _going_on(state: State, information: float, bottom: float, top: float, drift: float) -> State:
    root, centre = math.sqrt(information), drift * information
    lower, upper = max(bottom * root, FLOOR * root + centre), min(top * root, -FLOOR * root + centre)
    return state.advance(information, lower, upper, drift)


def _upper(state: State, information: float, target: float) -> float:
    """Return the z-bound above which the target probability lies without an effect; infinite for next to none."""
    if target < _NEGLIGIBLE:
        return math.inf
    root = math.sqrt(information)
    return _root(lambda z: target - state.exceed(information, z * root), FLOOR, -FLOOR)


def _lower(state: State, information: float, target: float, drift: float) -> float:
    """Return the z-bound below which the target probability lies at a drift; -infinite for next to none."""
    if target < _NEGLIGIBLE:
        return -math.inf
    root = math.sqrt(information)
    centre = drift * root
    return _root(lambda z: state.below(information, z * root, drift) - target, FLOOR + centre, -FLOOR + centre)


def _drift_for(missing: Callable[[float], float], fixed: float) -> float:
    """Return the drift at which a decreasing function is 0; it lies above that of a fixed test."""
    high = 1.1 * fixed
    while missing(high) > 0.0:
        high *= 1.2
    return _root(lambda theta: -missing(theta), 0.9 * fixed, high)


def _root(value: Callable[[float], float], low: float, high: float) -> float:
    """Return where an increasing function crosses 0: false position (Illinois), bisection where that stalls."""
    down, up, side = value(low), value(high), 0
    for step in range(_STEPS):
        middle = (low * up - high * down) / (up - down) if up > down and step % 4 else 0.5 * (low + high)
        if high - low < _CLOSE or not low < middle < high:
            break
        found = value(middle)
        if found < 0.0:
            low, down = middle, found
            up, side = (0.5 * up if side < 0 else up), -1
        else:
            high, up = middle, found
            down, side = (0.5 * down if side > 0 else down), 1
        if found == 0.0:
            return middle
    return 0.5 * (low + high)


def _expected(information: tuple[float, ...], bounds: _Walk, drift: float) -> float:
    """Return the mean information at which the test stops, either way."""
    up, down = crossing_probabilities(information, bounds.efficacy, lower=bounds.futility, drift=drift)
    running, expected = 1.0, 0.0
    for at, earlier, over, under in zip(information, (0.0, *information), up, down, strict=False):
        expected += running * (at - earlier)
        running -= over + under
    return expected


def _check(information: tuple[float, ...], alpha: float, beta: float) -> None:
    for name, value in (("alpha", alpha), ("beta", beta)):
        if not 0.0 < value < 0.5:
            raise FutilityInvalid(f"{name}: must be between 0 and 0.5, not {value}")
    steps = zip((0.0, *information), information, strict=False)
    if not information or not all(earlier < later for earlier, later in steps) or abs(information[-1] - 1.0) > 1e-9:
        raise FutilityInvalid(f"information: must grow from above 0 to 1, not {information}")
