"""The fixed words of the pages about models and decisions, in the language of the page."""

from typing import Final

from django.utils.translation import gettext_lazy as _

from decisions.domain import PolicyKind
from decisions.promotion import ProposalState
from decisions.vocabulary import DecisionReason
from experiments.reports.wording import Text, Tone, Words
from models_registry.vocabulary import AliasName, PredictorKind, RunState

ALIASES: Final[dict[AliasName, Text]] = {
    AliasName.CHAMPION: _("Champion"),
    AliasName.CHALLENGER: _("Challenger"),
    AliasName.SHADOW: _("Shadow"),
}
ALIAS_MEANINGS: Final[dict[AliasName, Text]] = {
    AliasName.CHAMPION: _("Serves all traffic outside experiments."),
    AliasName.CHALLENGER: _("Is meant to be tried against the champion."),
    AliasName.SHADOW: _("Is scored and never shown."),
}

PREDICTORS: Final[dict[PredictorKind, Text]] = {
    PredictorKind.POPULARITY: _("Popularity"),
    PredictorKind.ITEM_ITEM: _("Item to item"),
    PredictorKind.RANKING_NETWORK: _("Ranking network"),
    PredictorKind.TWO_TOWER: _("Two towers"),
}
PREDICTOR_MEANINGS: Final[dict[PredictorKind, Text]] = {
    PredictorKind.POPULARITY: _("Gives every item the same score for everybody: how much all have dealt with it."),
    PredictorKind.ITEM_ITEM: _("Scores items by how often the same people dealt with them and with the history."),
    PredictorKind.RANKING_NETWORK: _("A 64-32-1 network that scores each item for a history, category and rating."),
    PredictorKind.TWO_TOWER: _("Two networks whose product scores all items for a history at once."),
}

RUNS: Final[dict[RunState, Words]] = {
    RunState.QUEUED: Words(_("Waiting"), Tone.OPEN, "○"),
    RunState.RUNNING: Words(_("Training"), Tone.OPEN, "▶"),
    RunState.SUCCEEDED: Words(_("Registered"), Tone.GOOD, "✔"),
    RunState.REFUSED: Words(_("Refused by the gate"), Tone.WARN, "■"),
    RunState.FAILED: Words(_("Failed"), Tone.BAD, "✖"),
    RunState.CANCELLED: Words(_("Cancelled"), Tone.MUTED, "■"),
}
STEPS: Final[dict[str, Text]] = {
    "dataset": _("reading the log"),
    "search": _("trying parameters"),
    "fit": _("learning"),
    "evaluate": _("judging on people it has not seen"),
    "gate": _("comparing with the gate"),
    "export": _("writing the artifact"),
}
RUN_ADVICE: Final[dict[RunState, Text]] = {
    RunState.QUEUED: _(
        "A worker takes it within seconds. If it waits for minutes, start one for the queue “training”."
    ),
    RunState.RUNNING: _("Load the page again to see how far it has come. If its worker dies, another one goes on."),
    RunState.SUCCEEDED: _("Try it against what serves: bind an experiment to a decision point."),
    RunState.REFUSED: _("Nothing was registered. Train on a longer window, or with another recipe."),
    RunState.CANCELLED: _("Nothing was registered. Train again when you know with what."),
}
FAILURE_ADVICE: Final[dict[str, Text]] = {
    "TRAINING_DATA_INSUFFICIENT": _("Choose a longer data window, or wait until more has been recorded."),
    "TRAINING_DATA_INVALID": _("Mend the items or the events that the message names, then train again."),
    "TRAINING_DIVERGED": _("Train again with a lower learning rate."),
    "PARAMETERS_INVALID": _("Use the parameters that the message names, within their bounds."),
    "SEARCH_INVALID": _("Try different values of the recipe's parameters, within their bounds."),
    "SEARCH_FAILED": _("Choose a longer data window, or values nearer to the recipe's defaults."),
    "TRAINING_MEMORY": _("Train on a shorter window, or raise TILTYARD_TRAINING_MEMORY_MB where the machine has more."),
    "TRAINING_ABANDONED": _("Its worker died five times. The job in the administration has more; then train again."),
    "TRAINING_ARM_UNKNOWN": _("Train by a schedule with this data policy, or on all traffic."),
    "TRAINING_WEIGHTS_UNSUPPORTED": _("Train on the own arm or on all traffic, or with a recipe that takes weights."),
    "TRAINING_POINT_AMBIGUOUS": _("Let exactly one decision point name the model."),
}
FAILURE_UNKNOWN: Final = _(
    "Nothing was registered and the champion is untouched. The job in the administration has more."
)

GATE_PASSED: Final = Words(_("Passed its offline gate"), Tone.GOOD, "✔")
GATE_REFUSED: Final = Words(_("Has not passed its offline gate"), Tone.WARN, "✖")
REFERENCES: Final[dict[str, Text]] = {
    "popularity": _("the most popular items"),
    "champion": _("the champion of that time"),
}
METRICS: Final[dict[str, Text]] = {
    "ndcg_at_10": _("nDCG@10: what people went for stands near the top"),
    "recall_at_20": _("Recall@20: what people went for is among the first 20"),
    "coverage_at_20": _("Coverage@20: share of all items that is shown to anybody"),
    "log_likelihood": _("Log-likelihood: the closer to zero, the better its probabilities foretell who clicks"),
    "auc": _("AUC: how often what was clicked is rated above what was not"),
}

POLICIES: Final[dict[str, Text]] = {
    PolicyKind.BASELINE: _("Baseline"),
    PolicyKind.FIXED: _("Fixed actions"),
    PolicyKind.MODEL_RANKED: _("Ranked by a model"),
    PolicyKind.RECIPE: _("Ranked by the newest version of a schedule"),
    PolicyKind.LEARNED: _("Learning policy"),
}

_MEANT: Final = ("✔", Tone.GOOD)
_ALLOWED: Final = ("○", Tone.MUTED)
_FAULT: Final = ("✖", Tone.WARN)


def _words(label: Text, look: tuple[str, Tone]) -> Words:
    return Words(label, look[1], look[0])


REASONS: Final[dict[str, Words]] = {
    DecisionReason.MODEL: _words(_("Ranked by the model version"), _MEANT),
    DecisionReason.LEARNED: _words(_("Drawn by the learning policy"), _MEANT),
    DecisionReason.FIXED: _words(_("The fixed actions of the variant"), _MEANT),
    DecisionReason.BASELINE: _words(_("The baseline, as configured"), _MEANT),
    DecisionReason.HOLDBACK: _words(
        _("Baseline: the shopper is held back, to compare the learning policy with"), _MEANT
    ),
    DecisionReason.PERSONALISATION_OFF: _words(_("Baseline: the shopper switched personalisation off"), _ALLOWED),
    DecisionReason.HISTORY_EMPTY: _words(_("Baseline: nothing is known of the shopper yet"), _ALLOWED),
    DecisionReason.DATA_STALE: _words(_("Baseline: the catalogue is older than the decision point allows"), _FAULT),
    DecisionReason.FEATURES_UNAVAILABLE: _words(_("Baseline: histories could not be read"), _FAULT),
    DecisionReason.MODEL_UNAVAILABLE: _words(_("Baseline: the model version was not loaded"), _FAULT),
    DecisionReason.DEADLINE: _words(_("Baseline: the model took longer than the deadline"), _FAULT),
    DecisionReason.MODEL_ERROR: _words(_("Baseline: the model failed"), _FAULT),
    DecisionReason.SCORES_INVALID: _words(_("Baseline: the model gave scores that cannot be"), _FAULT),
    DecisionReason.CIRCUIT_OPEN: _words(
        _("Baseline: the model is not asked for a while, since it kept failing"), _FAULT
    ),
    DecisionReason.LEARNER_UNAVAILABLE: _words(_("Baseline: the learning policy could not be used"), _FAULT),
    DecisionReason.CANDIDATES_EMPTY: _words(_("Nothing: no item was left to choose from"), _FAULT),
    DecisionReason.SUBJECT_UNKNOWN: _words(_("Baseline: the model does not know the item"), _ALLOWED),
    DecisionReason.PRICE_MISSING: _words(_("Baseline: the item has no price"), _FAULT),
    DecisionReason.COST_MISSING: _words(_("Baseline: the item has no cost"), _FAULT),
    DecisionReason.STOCK_MISSING: _words(_("Baseline: nobody has counted the stock"), _FAULT),
    DecisionReason.OUTSIDE_ENVELOPE: _words(_("Baseline: the limits allow nothing of what was wanted"), _FAULT),
    DecisionReason.CATALOGUE_MISSING: _words(_("Nothing: no catalogue has been published"), _FAULT),
    DecisionReason.BUNDLE_MISSING: _words(_("Nothing: the edge has no configuration yet"), _FAULT),
    DecisionReason.ENGINE_ERROR: _words(_("Baseline: deciding failed"), _FAULT),
}
FAULT_ADVICE: Final[dict[str, Text]] = {
    DecisionReason.FEATURES_UNAVAILABLE: _("Look whether Redis answers; histories are read from it."),
    DecisionReason.MODEL_UNAVAILABLE: _(
        "The edge could not load the version: look into its log for the artifact's name."
    ),
    DecisionReason.DEADLINE: _("Give the decision point more milliseconds, or train a smaller model."),
    DecisionReason.MODEL_ERROR: _("Look into the log of the edge. Roll the promotion back if it began with one."),
    DecisionReason.SCORES_INVALID: _("The version is broken: roll it back and train again."),
    DecisionReason.CIRCUIT_OPEN: _(
        "Mend what kept failing: the other reasons of this page and the log of the edge name it."
    ),
    DecisionReason.DATA_STALE: _("Send the catalogue again, or look why its feed was not pulled."),
    DecisionReason.LEARNER_UNAVAILABLE: _(
        "The edge could not use what the learning policy knows: look into its log for the reason."
    ),
    DecisionReason.CANDIDATES_EMPTY: _("Look at the stock of the items, and at what the shop sends as candidates."),
    DecisionReason.PRICE_MISSING: _("Send the price of the items with PUT /v1/items."),
    DecisionReason.COST_MISSING: _("Send what the items cost with PUT /v1/costs."),
    DecisionReason.STOCK_MISSING: _("Send what the stores have with PUT /v1/stock."),
    DecisionReason.OUTSIDE_ENVELOPE: _("Compare what the variant wants with the limits of items and decision point."),
    DecisionReason.CATALOGUE_MISSING: _("Send the items with PUT /v1/items."),
    DecisionReason.BUNDLE_MISSING: _("Look whether a worker runs: it publishes the configuration."),
    DecisionReason.ENGINE_ERROR: _("Look into the log of the edge; it names the fault."),
}
"""The reasons that somebody should do something about, and what."""

ASSIGNMENTS: Final[dict[str, Text]] = {
    "SPLIT": _("drawn into the variant"),
    "OVERRIDE": _("a test visitor, never analysed"),
    "STICKY": _("kept the variant from before"),
    "NOT_RUNNING": _("the experiment is not running"),
    "NOT_STARTED": _("the experiment has not started"),
    "UNIT_MISSING": _("the request named no such unit"),
    "UNIT_INVALID": _("the id of the unit is not valid"),
    "HOLDOUT": _("kept out by the holdout"),
    "LAYER_TAKEN": _("another experiment of the layer has the unit"),
    "AUDIENCE": _("not in the audience"),
    "COVERAGE": _("not in the share that takes part"),
    "BLACKOUT": _("the days are kept out by the blackout calendar"),
    "ARM_CLOSED": _("the variant takes no new units"),
    "PERSONALISATION_OFF": _("personalisation is switched off"),
}

PROPOSALS: Final[dict[ProposalState, Words]] = {
    ProposalState.OPEN: Words(_("Waiting for approval"), Tone.OPEN, "▶"),
    ProposalState.PROMOTED: Words(_("Promoted"), Tone.GOOD, "▲"),
    ProposalState.REJECTED: Words(_("Rejected"), Tone.MUTED, "■"),
    ProposalState.STALE: Words(_("Out of date"), Tone.WARN, "✖"),
    ProposalState.ROLLED_BACK: Words(_("Rolled back"), Tone.WARN, "↩"),
}


def reason_words(code: str) -> Words:
    """Return how a decision's reason is shown; a code of a later release as it is."""
    return REASONS.get(code, Words(code, Tone.MUTED, "○"))


def fault_advice(code: str) -> Text | None:
    """Return what to do about a reason, None for one that is as it should be."""
    return FAULT_ADVICE.get(code)


def policy_words(code: str) -> Text:
    """Return the name of a policy; one of a later release as it is."""
    return POLICIES.get(code, code)
