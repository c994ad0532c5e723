"""Winner's curse: what an effect is worth that is reported because it was large enough."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from scipy.special import erfcx, log_ndtr

from experiments.statistics.distributions import normal_isf, normal_pdf
from experiments.statistics.figures import between_0_and_1, not_negative
from experiments.statistics.posterior import NormalPrior, posterior
from experiments.statistics.results import Undefined
from foundation.errors import DomainError

_STEPS = 400
_FAR_BELOW = 5.0
_FAR_ABOVE = 1e3


class SelectionInvalid(DomainError):
    """Figures that no selection by size can have left."""

    code: ClassVar[str] = "SELECTION_INVALID"
    hint = "Give finite estimates with standard errors above 0; a selected estimate lies beyond the cutoff."


@dataclass(frozen=True, slots=True)
class ConditionalEffect:
    """The effect of a selected experiment, given that it was selected; in the unit of the estimate.

    most_likely: conditional maximum-likelihood estimate. median_unbiased: as often too high as too low among the
    selected. lower, upper: conditional interval. bias_if_true: by how much selection would inflate the estimate if it
    were the true effect.
    """

    most_likely: float
    median_unbiased: float
    lower: float
    upper: float
    bias_if_true: float


@dataclass(frozen=True, slots=True)
class Portfolio:
    """Sum of the selected effects: as measured, the expected inflation, and the difference of both."""

    selected: tuple[int, ...]
    naive: float
    bias: float

    @property
    def adjusted(self) -> float:
        """The total without the expected inflation."""
        return self.naive - self.bias


def conditional_effect(estimate: float, se: float, cutoff: float, *, alpha: float = 0.05) -> ConditionalEffect:
    """Return the inference for an effect that is reported because its estimate is above the cutoff.

    X ~ N(mu, SE^2) given X > cutoff (Zhong & Prentice 2008): the most likely mu solves E[X | X > c; mu] = x, the
    others P(X > x | X > c; mu) = 1/2, alpha / 2 and 1 - alpha / 2. For a selected decrease, pass negated figures and
    negate the answer. Raises SelectionInvalid.
    """
    if not (math.isfinite(estimate) and math.isfinite(cutoff) and 0.0 < se < math.inf):
        raise SelectionInvalid(f"estimate, se and cutoff: must be finite, se above 0, not {estimate}, {se}, {cutoff}")
    if not estimate > cutoff:
        raise SelectionInvalid(f"estimate: must be above the cutoff {cutoff}, not {estimate}")
    if not 0.0 < alpha < 1.0:
        raise SelectionInvalid(f"alpha: must be between 0 and 1, not {alpha}")
    edge = (cutoff - estimate) / se

    def share_above(probability: float) -> float:
        # ln P(X > x | X > c; mu) grows with mu; the answer is in standard errors from the estimate
        return estimate + se * _root(lambda m: _log_share(m, edge) - math.log(probability))

    return ConditionalEffect(
        most_likely=estimate + se * _root(lambda m: edge + _residual(edge - m)),
        median_unbiased=share_above(0.5),
        lower=share_above(alpha / 2.0),
        upper=share_above(1.0 - alpha / 2.0),
        bias_if_true=se * _excess(edge),
    )


def portfolio_total(estimates: Sequence[float], std_errors: Sequence[float], z_threshold: float) -> Portfolio:
    """Return the total of the effects whose z exceeds the threshold, less its expected inflation (Lee & Shen 2018).

    bias = sum over all experiments, selected or not, of SE phi((z SE - x) / SE), with the estimate x in place of the
    unknown effect. Where most effects are small beside their errors that corrects too much: see `shrunk_total`. Raises
    SelectionInvalid.
    """
    _check_portfolio(estimates, std_errors, z_threshold)
    selected = _selected(estimates, std_errors, z_threshold)
    bias = math.fsum(se * normal_pdf(z_threshold - x / se) for x, se in zip(estimates, std_errors, strict=True))
    return Portfolio(selected, math.fsum(estimates[i] for i in selected), bias)


def shrunk_total(
    estimates: Sequence[float], std_errors: Sequence[float], z_threshold: float, prior: NormalPrior
) -> float:
    """Return the total of the selected effects, each shrunk towards the prior by its own error.

    Over the prior it is unbiased whatever the selection, because a posterior mean does not depend on why an estimate
    is looked at (Efron 2011). Raises SelectionInvalid.
    """
    _check_portfolio(estimates, std_errors, z_threshold)
    means = []
    for i in _selected(estimates, std_errors, z_threshold):
        found = posterior(estimates[i], std_errors[i], prior)
        if isinstance(found, Undefined):
            raise SelectionInvalid(f"estimates: {estimates[i]} with standard error {std_errors[i]} has no posterior")
        means.append(found.mean)
    return math.fsum(means)


def cutoff_for(se: float, alpha: float) -> float:
    """Return the estimate above which a two-sided z test at alpha is significant upwards: z_{1 - alpha/2} SE."""
    not_negative(se=se)
    between_0_and_1(alpha=alpha)
    return normal_isf(alpha / 2.0) * se


def _selected(estimates: Sequence[float], std_errors: Sequence[float], z_threshold: float) -> tuple[int, ...]:
    return tuple(i for i, (x, se) in enumerate(zip(estimates, std_errors, strict=True)) if x > z_threshold * se)


def _check_portfolio(estimates: Sequence[float], std_errors: Sequence[float], z_threshold: float) -> None:
    if len(estimates) != len(std_errors):
        raise SelectionInvalid(f"std_errors: needs {len(estimates)} values, has {len(std_errors)}")
    if not all(map(math.isfinite, (*estimates, *std_errors, z_threshold))) or min(std_errors, default=1.0) <= 0.0:
        raise SelectionInvalid("estimates and std_errors: must be finite, standard errors above 0")


def _log_share(m: float, edge: float) -> float:
    """Return ln P(X > x) - ln P(X > c) for a mean m standard errors above x; far below, the squares are cancelled."""
    if m > -_FAR_BELOW or m - edge >= 0.0:
        return float(log_ndtr(m) - log_ndtr(m - edge))
    far, near = -m, edge - m
    return 0.5 * edge * (far + near) + math.log(_scaled_tail(far)) - math.log(_scaled_tail(near))


def _excess(z: float) -> float:
    """Return E[Z | Z > z] = phi(z) / P(Z > z) of a standard normal."""
    scaled = _scaled_tail(z)
    return math.sqrt(2.0 / math.pi) / scaled if math.isfinite(scaled) else 0.0


def _residual(z: float) -> float:
    """Return E[Z - z | Z > z]; far out by 1 / z - 2 / z^3, where the plain difference would cancel."""
    return _excess(z) - z if z < _FAR_ABOVE else (1.0 - 2.0 / (z * z)) / z


def _scaled_tail(z: float) -> float:
    """Return 2 P(Z > z) exp(z^2 / 2)."""
    return float(erfcx(z / math.sqrt(2.0)))


def _root(value: Callable[[float], float]) -> float:
    """Return where an increasing function of a mean crosses 0; the mean may lie far below."""
    low, high = -1.0, 1.0
    while value(high) < 0.0:
        low, high = high, 2.0 * high
    while value(low) > 0.0:
        low, high = 2.0 * low, low
    for _ in range(_STEPS):
        middle = 0.5 * (low + high)
        if middle in (low, high):
            break
        if value(middle) < 0.0:
            low = middle
        else:
            high = middle
    return 0.5 * (low + high)
