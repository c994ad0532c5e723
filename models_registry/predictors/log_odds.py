"""What the log-odds of a logistic regression on hashed features are made of, fact by fact."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from models_registry.predictors.crosses import crossed, places_of, spread_subject
from models_registry.predictors.hashed_logistic import HashedLogistic
from models_registry.predictors.history import inside
from models_registry.predictors.protocol import Indices

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class LogOdds:
    """Parts of the calibrated log-odds of a click: `own` of each action, and `facts`, actions x facts of the moment.

    A fact's part is its own weight and those of its crosses with the fields of the action. Per action, the sum of its
    row and of its own part is ln(p / (1 - p)).
    """

    own: Floats
    facts: Floats


def log_odds_of(model: HashedLogistic, subject: Indices, candidates: Indices) -> LogOdds:
    """Return the parts for some of the model's actions. Raises ValueError for a subject of another layout."""
    model.layout.ensure_subject(subject)
    places = inside(candidates, len(model.items))
    table, calibration = model.click.table, model.click.calibration
    fields = model.standing.fields[places]
    crosses = crossed(spread_subject(subject), fields, model.layout.bits)
    facts = table[crosses].sum(axis=2, dtype=np.float64) + table[places_of(subject, model.layout.bits)]
    own = model.standing.clicks[places].astype(np.float64) * calibration.slope + calibration.intercept
    return LogOdds(own, facts * calibration.slope)
