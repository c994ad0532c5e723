"""The fixed words of explanations, in the language of the page."""

from typing import Any, Final

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext_lazy

from decisions.queries.explained import Method, Missing
from experiments.reports import figures
from experiments.reports.wording import Text

METHODS: Final[dict[Method, Text]] = {
    Method.LEAVE_ONE_OUT: gettext_lazy(
        "Computed with the version's own artifact: by how much the model's score would be lower without the fact."
    ),
    Method.LOG_ODDS: gettext_lazy(
        "Computed with the version's own artifact: what each fact adds to the log-odds of a click. What is above zero "
        "makes one likelier."
    ),
    Method.RATES: gettext_lazy(
        "From the state that the learning policy was in: how often it expected the reward of an action, and how likely "
        "the action was the best of all."
    ),
    Method.WEIGHTS: gettext_lazy(
        "From the state that the learning policy was in: each feature of the action times the mean of its weight. "
        "The policy draws around these means, so the order need not follow them."
    ),
    Method.POPULARITY: gettext_lazy("The baseline: what has been dealt with most in the last 28 days stands first."),
    Method.VALUE: gettext_lazy(
        "The baseline, which asks no model: the bid of each creative times how often what it is for was paid for in "
        "the last 28 days, divided by the pace of its campaign. The largest value stands first."
    ),
    Method.FIXED: gettext_lazy("The variant shows everybody the same, in the order that its design says."),
    Method.MENU: gettext_lazy(
        "Computed with the version's own artifact, from what was known then: what the model expected of each choice."
    ),
    Method.MENU_BASELINE: gettext_lazy("The baseline, which asks no model: what the shop itself would do."),
    Method.MENU_LEARNED: gettext_lazy(
        "Drawn by a learning policy: each price as often as it brings most by what the policy knew of the demand then."
    ),
    Method.MENU_FIXED: gettext_lazy("The variant says what is decided, as far as the limits allow."),
}

ORDERS: Final[dict[str, Text]] = {
    "ad_placement": gettext_lazy(
        "The order is that of bid times probability, divided by the pace of the campaign: what is likelier to be "
        "clicked can stand further down."
    )
}
"""By what a domain places actions that a model has scored, where that is not the score alone."""

MISSING: Final[dict[str, Text]] = {
    Missing.ROW_TOO_OLD: gettext_lazy(
        "There is no explanation: the decision was logged before what models read was kept with it."
    ),
    Missing.NOTHING_SHOWN: gettext_lazy("There is nothing to explain: the slate was empty."),
    Missing.POLICY_UNKNOWN: gettext_lazy("There is no explanation: this release does not know the policy."),
    Missing.VERSION_GONE: gettext_lazy("There is no explanation: the log does not say which version ranked."),
    Missing.STATE_UNKNOWN: gettext_lazy("There is no explanation: the log does not say from which state it was drawn."),
    Missing.ACTIONS_UNKNOWN: gettext_lazy(
        "There is no explanation: the catalogue does not have what was shown any more."
    ),
    "DOMAIN_UNKNOWN": gettext_lazy("There is no explanation: its domain is not there any more."),
    "MODEL_VERSION_UNKNOWN": gettext_lazy("There is no explanation: the version is not in the registry any more."),
    "ARTIFACT_DROPPED": gettext_lazy(
        "There is no explanation: the version's artifact was dropped to save room, so that it cannot be asked again."
    ),
    "ARTIFACT_DAMAGED": gettext_lazy("There is no explanation: the version's artifact is not what was registered."),
    "ARTIFACT_FORGED": gettext_lazy("There is no explanation: the version's artifact was not sealed by this project."),
    "ARTIFACT_MALFORMED": gettext_lazy("There is no explanation: the version's artifact cannot be read."),
    "CATALOGUE_UNPUBLISHED": gettext_lazy("There is no explanation: no catalogue is published now."),
    "CATALOGUE_MALFORMED": gettext_lazy("There is no explanation: the published catalogue cannot be read."),
    "LEARNER_UNKNOWN": gettext_lazy("There is no explanation: the learning policy is not there any more."),
    "LEARNER_STATE_DAMAGED": gettext_lazy(
        "There is no explanation: the state of the learning policy is not what was stored."
    ),
    "MODEL_ERROR": gettext_lazy("There is no explanation: the model fails when it is asked again."),
    "SCORES_INVALID": gettext_lazy("There is no explanation: the model gives scores that cannot be."),
}

# Each with the number of actions; a rule that no words are known of goes by its name.
_REMOVED: Final[dict[str, Any]] = {
    "recommendation.outside_candidates": ngettext_lazy(
        "%(n)s item was left out because the storefront did not ask about it.",
        "%(n)s items were left out because the storefront did not ask about them.",
        "count",
    ),
    "recommendation.out_of_stock": ngettext_lazy(
        "%(n)s item was left out because it is sold out.",
        "%(n)s items were left out because they are sold out.",
        "count",
    ),
    "recommendation.already_bought": ngettext_lazy(
        "%(n)s item was left out because the shopper has bought it already.",
        "%(n)s items were left out because the shopper has bought them already.",
        "count",
    ),
    "recommendation.excluded": ngettext_lazy(
        "%(n)s item was left out because the storefront excluded it.",
        "%(n)s items were left out because the storefront excluded them.",
        "count",
    ),
    "ad_placement.outside_candidates": ngettext_lazy(
        "%(n)s creative was left out because the storefront did not ask about it.",
        "%(n)s creatives were left out because the storefront did not ask about them.",
        "count",
    ),
    "ad_placement.out_of_stock": ngettext_lazy(
        "%(n)s creative was left out because it is paused.",
        "%(n)s creatives were left out because they are paused.",
        "count",
    ),
    "ad_placement.not_in_flight": ngettext_lazy(
        "%(n)s creative was left out because its flight has not begun or is over.",
        "%(n)s creatives were left out because their flights have not begun or are over.",
        "count",
    ),
    "ad_placement.budget_spent": ngettext_lazy(
        "%(n)s creative was left out because its campaign has spent the budget of the day.",
        "%(n)s creatives were left out because their campaigns have spent the budgets of the day.",
        "count",
    ),
    "ad_placement.slot_does_not_fit": ngettext_lazy(
        "%(n)s creative was left out because it is made for another slot.",
        "%(n)s creatives were left out because they are made for other slots.",
        "count",
    ),
    "ad_placement.frequency_cap": ngettext_lazy(
        "%(n)s creative was left out because the shopper has seen it as often as the cap allows.",
        "%(n)s creatives were left out because the shopper has seen them as often as the cap allows.",
        "count",
    ),
    "ad_placement.excluded": ngettext_lazy(
        "%(n)s creative was left out because the storefront excluded it.",
        "%(n)s creatives were left out because the storefront excluded them.",
        "count",
    ),
    "pricing.floor": ngettext_lazy(
        "%(n)s price was left out because it is below the floor.",
        "%(n)s prices were left out because they are below the floor.",
        "count",
    ),
    "pricing.map_price": ngettext_lazy(
        "%(n)s price was left out because it is below the minimum advertised price.",
        "%(n)s prices were left out because they are below the minimum advertised price.",
        "count",
    ),
    "pricing.ceiling": ngettext_lazy(
        "%(n)s price was left out because it is above the ceiling.",
        "%(n)s prices were left out because they are above the ceiling.",
        "count",
    ),
    "pricing.cost_margin": ngettext_lazy(
        "%(n)s price was left out because it is too little above the cost.",
        "%(n)s prices were left out because they are too little above the cost.",
        "count",
    ),
    "pricing.max_step": ngettext_lazy(
        "%(n)s price was left out because it is too large a step from the present one.",
        "%(n)s prices were left out because they are too large a step from the present one.",
        "count",
    ),
    "pricing.cool_down": ngettext_lazy(
        "%(n)s price was left out because the present one is too new to be changed.",
        "%(n)s prices were left out because the present one is too new to be changed.",
        "count",
    ),
    "restock.capacity": ngettext_lazy(
        "%(n)s order was left out because the store has no room for so much.",
        "%(n)s orders were left out because the store has no room for so much.",
        "count",
    ),
    "restock.pack": ngettext_lazy(
        "%(n)s order was left out because it is not made of whole packs.",
        "%(n)s orders were left out because they are not made of whole packs.",
        "count",
    ),
    "restock.minimum_order": ngettext_lazy(
        "%(n)s order was left out because the supplier takes no order so small.",
        "%(n)s orders were left out because the supplier takes no orders so small.",
        "count",
    ),
    "restock.cash": ngettext_lazy(
        "%(n)s order was left out because it costs more than may be spent on one.",
        "%(n)s orders were left out because they cost more than may be spent on one.",
        "count",
    ),
    "restock.shelf_life": ngettext_lazy(
        "%(n)s order was left out because it would not be sold within the shelf life.",
        "%(n)s orders were left out because they would not be sold within the shelf life.",
        "count",
    ),
}
_ANY: Final = ngettext_lazy(
    "%(n)s action was left out by the rule “%(rule)s”.", "%(n)s actions were left out by the rule “%(rule)s”.", "count"
)
RULES: Final[dict[str, Text]] = {
    "outside_candidates": gettext_lazy("the storefront did not ask about it"),
    "out_of_stock": gettext_lazy("it is sold out or paused"),
    "already_bought": gettext_lazy("the shopper has bought it already"),
    "excluded": gettext_lazy("the storefront excluded it"),
    "not_in_flight": gettext_lazy("its flight has not begun or is over"),
    "budget_spent": gettext_lazy("its campaign has spent the budget of the day"),
    "slot_does_not_fit": gettext_lazy("it is made for another slot"),
    "frequency_cap": gettext_lazy("the shopper has seen it as often as the cap allows"),
    "floor": gettext_lazy("it is below the floor"),
    "map_price": gettext_lazy("it is below the minimum advertised price"),
    "ceiling": gettext_lazy("it is above the ceiling"),
    "cost_margin": gettext_lazy("it is too little above the cost"),
    "max_step": gettext_lazy("it is too large a step from the present price"),
    "cool_down": gettext_lazy("the present price is too new to be changed"),
    "capacity": gettext_lazy("the store has no room for so much"),
    "pack": gettext_lazy("it is not made of whole packs"),
    "minimum_order": gettext_lazy("the supplier takes no order so small"),
    "cash": gettext_lazy("it costs more than may be spent on one order"),
    "shelf_life": gettext_lazy("it would not be sold within the shelf life"),
}


def removed_words(domain: str, constraint: str, count: int) -> str:
    """Return how many actions a constraint took, in a sentence."""
    pattern = _REMOVED.get(f"{domain}.{constraint}", _ANY)
    return str(pattern % {"count": count, "n": figures.count(count), "rule": constraint})


def rule_words(constraint: str) -> Text:
    """Return why a constraint takes an action, as the end of a sentence."""
    return RULES.get(constraint) or _("of the rule “%(rule)s”") % {"rule": constraint}


def missing_words(code: str) -> Text:
    """Return why there is no explanation."""
    return MISSING.get(code) or _("There is no explanation (%(code)s).") % {"code": code}
