"""The fixed words about learning policies, in the language of the page."""

from datetime import timedelta
from typing import Final

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from decisions.domain import Reward
from decisions.learning import LearnerKind
from experiments.reports.wording import Text

KINDS: Final[dict[str, Text]] = {
    LearnerKind.BETA.value: gettext_lazy(
        "Rates: how often each action earns the reward. Quick; for up to some hundred actions."
    ),
    LearnerKind.LINEAR.value: gettext_lazy(
        "Linear: what action and shopper have to do with the reward, or with the value of orders. For many actions."
    ),
    LearnerKind.LOGISTIC.value: gettext_lazy(
        "Logistic: what action and shopper have to do with the chance of the reward. For many actions and rare rewards."
    ),
    LearnerKind.DEMAND.value: gettext_lazy(
        "Demand: how many pieces a day an item sells at each price. For prices, which it chooses by what they bring."
    ),
}
"""How each kind learns, in a sentence."""

KIND_MEANINGS: Final[dict[str, Text]] = {
    LearnerKind.BETA.value: gettext_lazy(
        "It keeps one rate for each action: how often the action earned the reward when it was shown."
    ),
    LearnerKind.LINEAR.value: gettext_lazy(
        "It weighs what is known of action and shopper; the reward it expects is the sum of these."
    ),
    LearnerKind.LOGISTIC.value: gettext_lazy(
        "It weighs what is known of action and shopper; the log-odds of the reward it expects are the sum of these."
    ),
    LearnerKind.DEMAND.value: gettext_lazy(
        "It keeps for each item how many pieces a day it sells at each step of price, and takes for certain that a "
        "higher price sells no more; it expects of a price what a piece brings by the pieces sold."
    ),
}

FEATURES: Final[dict[str, Text]] = {
    "one": gettext_lazy("every action alike"),
    "score": gettext_lazy("score of the model"),
    "baseline": gettext_lazy("popularity"),
    "same_category": gettext_lazy("of the category looked at last"),
    "price": gettext_lazy("price within its category"),
    "known": gettext_lazy("looked at before"),
    "shown": gettext_lazy("shown before"),
    "bid": gettext_lazy("bid"),
    "paced": gettext_lazy("pace of the campaign"),
    "seen": gettext_lazy("seen before"),
}


def feature_words(name: str) -> Text:
    """Return what a feature tells of an action; one that no words are known of goes by its name."""
    return FEATURES.get(name, name)


def reward_words(reward: Reward) -> str:
    """Return what counts as a reward: the event, and how long after it was seen."""
    told = {"name": reward.name, "event": str(reward.event), "span": span_words(reward.within)}
    return _("%(name)s: “%(event)s” within %(span)s") % told


def span_words(span: timedelta) -> str:
    """Return a length of time in its largest whole unit."""
    minutes = round(span / timedelta(minutes=1))
    if minutes and minutes % 1_440 == 0:
        days = minutes // 1_440
        return ngettext("%(n)d day", "%(n)d days", days) % {"n": days}
    if minutes and minutes % 60 == 0:
        hours = minutes // 60
        return ngettext("%(n)d hour", "%(n)d hours", hours) % {"n": hours}
    return ngettext("%(n)d minute", "%(n)d minutes", minutes) % {"n": minutes}
