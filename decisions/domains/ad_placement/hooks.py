"""What advertising does while it serves: filters, values of creatives, and what models and policies read."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Final

import numpy as np
import numpy.typing as npt

from decisions.domain import Hooks
from decisions.domains.ad_placement import constraints
from decisions.domains.ad_placement.board import board_of, item_numbers
from decisions.domains.ad_placement.features import moment_numbers
from decisions.moment import Catalogue, Eligible, Moment
from decisions.policy import Indices, Scores

FEATURE_NAMES: Final = ("one", "score", "baseline", "bid", "paced", "seen")
CAP_WINDOW: Final = timedelta(days=1)


def eligible(moment: Moment, catalogue: Catalogue) -> Eligible:
    """Return the creatives in flight that fit, whose budgets last and that the unit has not seen too often."""
    return constraints.eligible(moment, catalogue, board_of(catalogue))


def subject(moment: Moment, _places: Mapping[str, int]) -> Indices:
    """Return the numbers of the moment: what the storefront says, then attributes, then the time."""
    said = {**moment.attributes, **moment.context}
    if not said.get("slot"):
        said["slot"] = next(iter(constraints.slots_of(moment)), None)
    return moment_numbers(said, moment.at)


def worth(moment: Moment, catalogue: Catalogue, candidates: Indices, scores: Scores) -> Scores:
    """Return the value of showing each candidate: bid x probability that it is paid for, by its campaign's pace.

    scores: of a model, the probability of a click, or of an order where the bid is for one. Currency units.
    """
    board = board_of(catalogue)
    paced = board.bids[candidates] / board.divisor(moment.arm)[candidates]
    return (paced * scores).astype(np.float32)


def baseline(moment: Moment, catalogue: Catalogue, candidates: Indices) -> Scores:
    """Return the value of each candidate by its smoothed rate of clicks in the past, which the catalogue has."""
    return worth(moment, catalogue, candidates, catalogue.baseline[candidates])


def groups(catalogue: Catalogue) -> Indices:
    """Return the campaign of each creative: a decision shows at most one of a campaign; -1 where none is named."""
    return board_of(catalogue).campaigns


def action_features(
    moment: Moment, catalogue: Catalogue, candidates: Indices, scores: Scores | None
) -> npt.NDArray[np.float64]:
    """Return what contextual learning policies read of each candidate, in the order of FEATURE_NAMES.

    score, baseline, bid: in the share of the largest among the candidates, score 0 without a model. paced: 1 / (1 +
    the campaign's multiplier). seen: how often the unit saw the creative, in the share of the cap.
    """
    board = board_of(catalogue)
    seen = np.array([moment.shown.get(catalogue.items[place], 0) for place in candidates.tolist()], dtype=np.float64)
    columns = (
        np.ones(len(candidates)),
        np.zeros(len(candidates)) if scores is None else _shares(scores),
        _shares(catalogue.baseline[candidates]),
        _shares(board.bids[candidates]),
        1.0 / board.divisor(moment.arm)[candidates],
        np.minimum(1.0, seen / constraints.cap_of(moment)),
    )
    return np.column_stack(columns).astype(np.float64)


def _shares(values: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
    """Return non-negative values in the share of the largest one; 0 for all where none is above 0."""
    positive = np.maximum(values.astype(np.float64), 0.0)
    largest = positive.max(initial=0.0)
    return positive / largest if largest > 0.0 else positive


HOOKS: Final = Hooks(
    eligible=eligible,
    subject=subject,
    worth=worth,
    baseline=baseline,
    item_numbers=item_numbers,
    action_features=action_features,
    feature_names=FEATURE_NAMES,
    groups=groups,
    shown_within=CAP_WINDOW,
    constraint_names=constraints.CONSTRAINTS,
)
