"""Logistic regression on hashed features and their crosses, with a Gaussian prior: L-BFGS on sparse rows."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize

from decisions.domains.ad_placement.features import INPUTS, layout
from decisions.domains.ad_placement.training.calibrating import calibrated, log_odds, sigmoid
from decisions.domains.ad_placement.training.dataset import AdData, Showings
from decisions.domains.ad_placement.training.parameters import SHARED
from decisions.domains.ad_placement.training.samples import Sparse, sparse_rows, summed
from models_registry.pipeline import Fitted, Parameter, Parameters, TrainingDiverged
from models_registry.predictors.crosses import Layout
from models_registry.predictors.hashed_logistic import HAS_ORDERS
from models_registry.predictors.popularity import ITEMS, write_items
from models_registry.predictors.responses import CLICK, ORDER, Calibration
from models_registry.vocabulary import PredictorKind

LEAST_ORDERS: Final = 20
"""Fewer orders, or fewer clicks without one, teach nothing but the rate of orders after a click."""

PARAMETERS: Final[Mapping[str, Parameter]] = MappingProxyType(
    {
        **SHARED,
        "bits": Parameter(
            about="Bits of a place in the table of weights", default=18, least=8, most=22, whole=True, tunable=False
        ),
        "prior": Parameter(
            about="Precision of the prior of every weight: the larger, the closer to the rate of all",
            default=10.0,
            least=0.01,
            most=1e5,
        ),
        "iterations": Parameter(about="Most steps of L-BFGS", default=100, least=5, most=2_000, whole=True),
    }
)

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Learnt:
    """The weights of one response: a table over all places, and a bias."""

    table: npt.NDArray[np.float32]
    bias: float


def learn(data: AdData, parameters: Parameters, _seed: int, tell: Callable[[float], None]) -> Fitted:
    """Return tables for clicks and, where there are enough, for orders after a click; nothing is drawn.

    Raises:
        TrainingDiverged: the weights are not finite.
    """
    shape = layout(int(parameters["bits"]))
    shown = summed(data.learnt)
    click = fit_rates(
        sparse_rows(shown, data.subjects, data.numbers, shape),
        (shown.shown, shown.clicked),
        table=shape.size,
        parameters=parameters,
        tell=lambda share: tell(share * 0.8),
    )
    tensors: dict[str, np.ndarray] = {
        ITEMS: write_items(data.item_ids),
        "numbers": data.numbers,
        f"{CLICK}.weights": click.table,
    }
    settings: dict[str, Any] = {**shape.settings(), **_calibrated(CLICK, click, data, shape), **order_facts(data)}
    if settings[HAS_ORDERS]:
        clicked = clicked_alone(shown)
        order = fit_rates(
            sparse_rows(clicked, data.subjects, data.numbers, shape),
            (clicked.shown, clicked.clicked),
            table=shape.size,
            parameters=parameters,
            tell=lambda share: tell(0.8 + share * 0.2),
        )
        tensors[f"{ORDER}.weights"] = order.table
        settings |= _calibrated(ORDER, order, data, shape)
    return Fitted(PredictorKind.HASHED_LOGISTIC, INPUTS, tensors, settings)


def fit_rates(
    sparse: Sparse,
    counts: tuple[Floats, Floats],
    *,
    table: int,
    parameters: Parameters,
    tell: Callable[[float], None],
) -> Learnt:
    """Return the weights with the largest posterior: min sum n softplus(z) - k z + prior / 2 |w|^2, z = b + x'w.

    counts: (n, k), how often each row was shown and responded to. The bias has no prior.

    Raises:
        TrainingDiverged: the loss or a weight is not finite.
    """
    shown, responded = counts
    rows, prior = sparse.rows, parameters["prior"]
    steps, most = 0, int(parameters["iterations"])
    columns = rows.T.tocsr()

    def loss(theta: Floats) -> tuple[float, Floats]:
        logits = rows @ theta[1:] + theta[0]
        value = float(shown @ np.logaddexp(0.0, logits) - responded @ logits + 0.5 * prior * (theta[1:] @ theta[1:]))
        residual = shown * sigmoid(logits) - responded
        return value, np.concatenate(([residual.sum()], columns @ residual + prior * theta[1:]))

    def told(_theta: Floats) -> None:
        nonlocal steps
        steps += 1
        tell(min(1.0, steps / most))

    start = np.zeros(rows.shape[1] + 1)
    start[0] = log_odds(float(responded.sum() / shown.sum()))
    found = minimize(loss, start, jac=True, method="L-BFGS-B", callback=told, options={"maxiter": most, "ftol": 1e-8})
    if not (math.isfinite(float(found.fun)) and np.isfinite(found.x).all()):
        raise TrainingDiverged("The weights of the logistic regression are not finite.")
    weights = np.zeros(table, dtype=np.float32)
    weights[sparse.used] = found.x[1 : 1 + len(sparse.used)]
    tell(1.0)
    return Learnt(weights, float(found.x[0]))


def logits_of(learnt: Learnt, showings: Showings, data: AdData, shape: Layout) -> Floats:
    """Return the log-odds of showings, before calibration."""
    sparse = sparse_rows(showings, data.subjects, data.numbers, shape)
    found: Floats = sparse.rows @ learnt.table[sparse.used].astype(np.float64) + learnt.bias
    return found


def order_facts(data: AdData) -> dict[str, Any]:
    """Return the settings about orders after a click: their rate, and whether there are enough to learn more."""
    clicks, orders = float(data.learnt.clicked.sum()), float(data.learnt.ordered.sum())
    return {
        "order_rate": (orders + 0.5) / (clicks + 1.0),
        HAS_ORDERS: bool(min(orders, clicks - orders) >= LEAST_ORDERS),
    }


def clicked_alone(showings: Showings) -> Showings:
    """Return the clicks as what was shown, and the orders as what they were answered by."""
    rows = showings.clicked > 0.0
    clicked = showings.clicked[rows]
    return Showings(
        showings.moments[rows], showings.items[rows], clicked, showings.ordered[rows], showings.ordered[rows]
    )


def _calibrated(name: str, learnt: Learnt, data: AdData, shape: Layout) -> dict[str, float]:
    later = summed(data.calibrated) if len(data.calibrated) else data.calibrated
    if name == ORDER:
        later = clicked_alone(later)
    found = (
        calibrated(logits_of(learnt, later, data, shape), later.shown, later.clicked) if len(later) else Calibration()
    )
    return {f"{name}_bias": learnt.bias, **found.settings(name)}
