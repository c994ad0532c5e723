"""Models of rates of clicks on recorded data, each tuned on a stretch of time before the one it is judged on."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize

from decisions.domains.ad_placement.training import logistic, network
from decisions.domains.ad_placement.training.calibrating import log_odds, sigmoid
from decisions.domains.ad_placement.training.dataset import AdData
from decisions.domains.ad_placement.training.evaluation import click_rates
from decisions.domains.ad_placement.training.figures import likelihoods, log_loss
from decisions.domains.ad_placement.training.recipe import Learn
from models_registry.pipeline import Parameter, Parameters, checked_parameters

Floats = npt.NDArray[np.float64]

SEED: Final = 1
DRAWS: Final = 2_000
PRIORS: Final = (1.0, 10.0, 30.0, 100.0, 300.0, 1_000.0)
LOGISTIC: Final[Sequence[Mapping[str, float]]] = tuple({"prior": prior, "bits": 18} for prior in PRIORS)
NETWORK: Final[Sequence[Mapping[str, float]]] = tuple(
    {"epochs": epochs, "learning_rate": rate, "decay": decay, "batch": 128}
    for epochs, rate, decay in (
        (3, 0.002, 0.05),
        (3, 0.005, 0.3),
        (8, 0.002, 0.05),
        (8, 0.005, 0.3),
        (15, 0.002, 0.3),
        (15, 0.005, 1.0),
    )
)


@dataclass(frozen=True, slots=True)
class Tuned:
    """What a contender predicts of the judged rows, and the parameters that were best before them."""

    rates: Floats
    parameters: str


def tuned_recipe(
    name: str, tuning: AdData, judging: AdData, *, trials: Sequence[Mapping[str, float]], tell: Callable[[str], None]
) -> Tuned:
    """Return what the recipe predicts of what is judged, with the parameters that did best in the stretch before.

    tuning: what it judges is what `judging` calibrates with.
    """
    learn, known = _RECIPES[name]
    losses = []
    for trial in trials:
        rates = _learnt_rates(learn, tuning, checked_parameters(trial, known))
        losses.append(log_loss(rates, tuning.judged))
        tell(f"{name} {_words(trial)}: log-loss {losses[-1]:.6f} before the judged stretch")
    best = trials[int(np.argmin(losses))]
    return Tuned(_learnt_rates(learn, judging, checked_parameters(best, known)), _words(best))


def tuned_simple(features: Floats, tuning: AdData, judging: AdData) -> Tuned:
    """Return what a logistic regression on a few features by creative predicts, its prior tuned in the same way."""
    losses = [log_loss(_simple_rates(features, tuning, prior), tuning.judged) for prior in PRIORS]
    best = PRIORS[int(np.argmin(losses))]
    return Tuned(_simple_rates(features, judging, best), f"prior {best:g}")


@dataclass(frozen=True, slots=True)
class Gain:
    """A difference of mean log-likelihoods of a showing, with its bootstrap interval at 95 % over clusters."""

    value: float
    lower: float
    upper: float


def gain(rates: Floats, reference: Floats, data: AdData) -> Gain:
    """Return by how much rates explain the judged clicks better than the reference does, per showing.

    Clusters (`units`) are drawn whole, 2 000 times with a fixed seed; percentile interval.
    """
    better = likelihoods(rates, data.judged) - likelihoods(reference, data.judged)
    _, cluster = np.unique(data.units, return_inverse=True)
    sums, shown = np.bincount(cluster, better), np.bincount(cluster, data.judged.shown)
    rng = np.random.default_rng(SEED)
    means = []
    for _ in range(DRAWS):
        drawn = rng.integers(0, len(sums), len(sums))
        means.append(float(sums[drawn].sum() / shown[drawn].sum()))
    lower, upper = np.quantile(means, (0.025, 0.975))
    return Gain(float(sums.sum() / shown.sum()), float(lower), float(upper))


def constant_rates(data: AdData) -> Floats:
    """Return the rate of everything before the judged rows, once for each of them."""
    clicked = data.learnt.clicked.sum() + data.calibrated.clicked.sum()
    shown = data.learnt.shown.sum() + data.calibrated.shown.sum()
    return np.full(len(data.judged), float(clicked / shown))


def _learnt_rates(learn: Learn, data: AdData, parameters: Parameters) -> Floats:
    return click_rates(learn(data, parameters, SEED, lambda _share: None).predictor(), data)


def _simple_rates(features: Floats, data: AdData, prior: float) -> Floats:
    """Return the rates of a logistic regression with a Gaussian prior, fitted on all that came before the judged."""
    places = np.concatenate((data.learnt.items, data.calibrated.items))
    shown = np.concatenate((data.learnt.shown, data.calibrated.shown))
    clicked = np.concatenate((data.learnt.clicked, data.calibrated.clicked))
    rows = features[places]

    def loss(theta: Floats) -> tuple[float, Floats]:
        logits = rows @ theta[1:] + theta[0]
        value = float(shown @ np.logaddexp(0.0, logits) - clicked @ logits + 0.5 * prior * (theta[1:] @ theta[1:]))
        residual = shown * sigmoid(logits) - clicked
        return value, np.concatenate(([residual.sum()], rows.T @ residual + prior * theta[1:]))

    start = np.zeros(features.shape[1] + 1)
    start[0] = log_odds(float(clicked.sum() / shown.sum()))
    found = minimize(loss, start, jac=True, method="L-BFGS-B").x
    return sigmoid(features[data.judged.items] @ found[1:] + found[0])


def _words(trial: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {value:g}" for name, value in trial.items() if name != "bits")


_RECIPES: Final[Mapping[str, tuple[Learn, Mapping[str, Parameter]]]] = {
    "hashed_logistic": (logistic.learn, logistic.PARAMETERS),
    "hashed_network": (network.learn, network.PARAMETERS),
}
