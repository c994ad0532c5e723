"""How good predicted rates of clicks are: on later showings, by unit, beside rates that need no model."""

from collections import Counter
from collections.abc import Mapping
from typing import Final

import numpy as np
import numpy.typing as npt

from decisions.domains.ad_placement.training.dataset import AdData, Showings
from decisions.domains.ad_placement.training.figures import (
    auc,
    by_unit,
    likelihoods,
    log_loss,
    smoothed_rates,
)
from decisions.policies.ranked import ModelRanked
from decisions.policy import Choices, Indices
from models_registry.artifacts import ArtifactMalformed
from models_registry.gates import (
    CHAMPION,
    POPULARITY,
    Evaluation,
    JudgedSlate,
    SlateTest,
    Slice,
    calibration_of,
    violations_of,
)
from models_registry.predictors.protocol import Adaptable, Predictor

METRIC: Final = "log_likelihood"
"""Of the mean showing of a unit; higher is better, and it rewards nothing but true probabilities."""
NEW: Final = "new creatives"
MOST_SLOTS: Final = 8
JUDGED_SLATES: Final = 200
TIMED: Final = 50
MOST_CANDIDATES: Final = 500
SLATE: Final = 3

Floats = npt.NDArray[np.float64]


def evaluate(predictor: Predictor, data: AdData, champion: Predictor | None) -> Evaluation:
    """Return log-likelihood by unit of the candidate, of smoothed rates by creative, and of the champion if given.

    A champion that cannot be asked about these creatives is left out.
    """
    before = _joined(data.learnt, data.calibrated)
    rates = {
        "": click_rates(predictor, data),
        POPULARITY: smoothed_rates(before, len(data.item_ids))[data.judged.items],
        "constant": np.full(len(data.judged), before.clicked.sum() / before.shown.sum()),
    }
    served = None if champion is None else _champion_rates(champion, data)
    if served is not None:
        rates[CHAMPION] = served
    likely = {name: likelihoods(found, data.judged) for name, found in rates.items()}
    judged = {name: by_unit(found, data.judged, data.units) for name, found in likely.items()}
    found, slates = violations_of(_slates(predictor, data))
    return Evaluation(
        metrics=_metrics(rates, judged, data),
        candidate=judged[""],
        references={name: judged[name] for name in (POPULARITY, CHAMPION) if name in judged},
        calibration=calibration_of(np.clip(rates[""], 0.0, 1.0), data.judged.clicked),
        slices=_slices(likely, data),
        # What could be shown at a moment is not in the log, so nothing is claimed of it.
        violations={test: count for test, count in found.items() if test != SlateTest.ELIGIBLE},
        slates=slates,
        requests=tuple(
            (data.subjects[moment], np.arange(min(MOST_CANDIDATES, len(data.item_ids)), dtype=np.int64))
            for moment in np.unique(data.judged.moments)[:TIMED]
        ),
    )


def click_rates(predictor: Predictor, data: AdData) -> Floats:
    """Return the predicted probability of a click of each row to judge by, whatever its bid is paid for.

    Raises:
        ArtifactMalformed: the predictor cannot be asked about these creatives.
    """
    clicks_alone = data.numbers.copy()
    clicks_alone[:, -1] = 0
    if not isinstance(predictor, Adaptable):
        raise ArtifactMalformed(f"A predictor of kind {predictor.kind} does not know creatives by their fields.")
    asked = predictor.adapted(data.item_ids, clicks_alone)
    judged, rates = data.judged, np.zeros(len(data.judged))
    order = np.argsort(judged.moments, kind="stable")
    for rows in np.split(order, np.flatnonzero(np.diff(judged.moments[order])) + 1):
        rates[rows] = asked.score(data.subjects[judged.moments[rows[0]]], judged.items[rows])
    return rates


def _champion_rates(champion: Predictor, data: AdData) -> Floats | None:
    """Return what the champion predicts, None where it reads other facts or other fields."""
    try:
        return click_rates(champion, data)
    except (ArtifactMalformed, ValueError):
        return None


def _metrics(rates: Mapping[str, Floats], judged: Mapping[str, Floats], data: AdData) -> dict[str, float]:
    candidate, constant = log_loss(rates[""], data.judged), log_loss(rates["constant"], data.judged)
    metrics = {
        METRIC: float(judged[""].mean()),
        "log_loss": candidate,
        "constant_log_loss": constant,
        "skill": 1.0 - candidate / constant,
        "test_users": float(len(judged[""])),
        "test_rows": float(len(data.judged)),
        "test_clicks": float(data.judged.clicked.sum()),
    }
    for name in (POPULARITY, CHAMPION):
        if name in rates:
            metrics[f"{name}_log_loss"] = log_loss(rates[name], data.judged)
            metrics[f"{name}_{METRIC}"] = float(judged[name].mean())
    for name, found in (("", rates[""]), (f"{POPULARITY}_", rates[POPULARITY])):
        area = auc(found, data.judged)
        if area is not None:
            metrics[f"{name}auc"] = area
    return metrics


def _slices(likely: Mapping[str, Floats], data: AdData) -> dict[str, Slice]:
    """Return the figures by slot, of those shown most, and of creatives that were not shown before."""
    slots = np.array(data.slots, dtype=object)
    masks = {f"slot {slot}": slots == slot for slot, _ in Counter(data.slots).most_common(MOST_SLOTS) if slot} | {
        NEW: ~data.known[data.judged.items]
    }
    found = {}
    for name, mask in masks.items():
        if not mask.any():
            continue
        rows = np.flatnonzero(mask)
        part = _rows(data.judged, rows)
        figures = {key: by_unit(values[rows], part, data.units[rows]) for key, values in likely.items()}
        references: dict[str, Floats] = {key: figures[key] for key in (POPULARITY, CHAMPION) if key in figures}
        found[name] = Slice(figures[""], references)
    return found


def _slates(predictor: Predictor, data: AdData) -> list[JudgedSlate]:
    """Return slates of some of the judged moments, chosen among all creatives by the policy that serves."""
    if not isinstance(predictor, Adaptable):
        return []
    asked = predictor.adapted(data.item_ids, data.numbers)
    everything: Indices = np.arange(len(data.item_ids), dtype=np.int64)
    slates = []
    for moment in np.unique(data.judged.moments)[:JUDGED_SLATES]:
        scores = asked.score(data.subjects[moment], everything)
        chosen = ModelRanked().choose(Choices(everything, scores, scores), size=SLATE)
        slates.append(JudgedSlate(chosen.actions, everything, SLATE))
    return slates


def _joined(first: Showings, second: Showings) -> Showings:
    return Showings(
        np.concatenate((first.moments, second.moments)),
        np.concatenate((first.items, second.items)),
        np.concatenate((first.shown, second.shown)),
        np.concatenate((first.clicked, second.clicked)),
        np.concatenate((first.ordered, second.ordered)),
    )


def _rows(showings: Showings, rows: Indices) -> Showings:
    return Showings(
        showings.moments[rows],
        showings.items[rows],
        showings.shown[rows],
        showings.clicked[rows],
        showings.ordered[rows],
    )
