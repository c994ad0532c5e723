"""Why a decision has its actions, as the page shows it: what spoke for each, and what was left out."""

from dataclasses import dataclass
from typing import Final

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from decisions.queries.explained import AskedItem, ExplainedAction, Method, Standing
from decisions.queries.point_records import DecisionRecord
from decisions.registry import all_domains
from decisions.reports.explain_wording import METHODS, ORDERS, missing_words, removed_words, rule_words
from decisions.reports.learner_wording import feature_words
from decisions.serving.contributions import Contribution, Fact, FactKind
from experiments.reports import figures
from experiments.reports.figures import Shape
from experiments.reports.wording import Text

SHOWN = 3
"""Contributions of an action that the page shows; its JSON has more."""


_STANDINGS: Final[dict[Standing, Text]] = {
    Standing.SHOWN: gettext_lazy("It was shown, at place %(place)s."),
    Standing.NOT_IN_CATALOGUE: gettext_lazy("The catalogue does not have it now."),
    Standing.REMOVED: gettext_lazy("It would be left out now because %(rule)s."),
    Standing.NOT_SCORED: gettext_lazy(
        "It could have been chosen, but the model was not asked about it or does not know it."
    ),
    Standing.RANKED: gettext_lazy("If nothing kept it out it would stand at place %(rank)s of %(ranked)s."),
    Standing.ELIGIBLE: gettext_lazy("Nothing that is known kept it out; how far down it stood cannot be told."),
}
_PROBABLE: Final = gettext_lazy("If nothing kept it out its probability of the first place was %(share)s.")


@dataclass(frozen=True, slots=True)
class WhyLine:
    """One contribution: what it is about, and what it did; `effect` is "" where the words say it all."""

    fact: Text
    effect: str


@dataclass(frozen=True, slots=True)
class Why:
    """The explanation. lines: for each action of the slate, in its order."""

    about: Text
    missing: Text
    notes: tuple[str, ...]
    lines: tuple[tuple[WhyLine, ...], ...]
    removed: tuple[str, ...]
    removed_missing: Text
    item: str
    answer: str


def why_of(record: DecisionRecord) -> Why:
    """Return the explanation of a decision."""
    found = record.explanation
    by_place = {action.place: action for action in found.actions}
    removed = found.removed or ()
    return Why(
        about="" if found.method is None else METHODS[found.method],
        missing=missing_words(found.missing) if found.missing else "",
        notes=tuple(_notes(record)),
        lines=tuple(
            _lines(record, by_place[place]) if place in by_place else ()
            for place in range(1, len(record.decision.actions) + 1)
        ),
        removed=tuple(removed_words(record.point.domain, name, count) for name, count in removed if count),
        removed_missing=_nothing_removed(record),
        item="" if found.asked is None else found.asked.item,
        answer="" if found.asked is None else " ".join(_answer(found.asked)),
    )


def _nothing_removed(record: DecisionRecord) -> Text:
    if record.explanation.removed is None:
        return _("The decision was logged before this was kept.")
    return _("Nothing: everything in the catalogue could be chosen.")


def _notes(record: DecisionRecord) -> list[str]:
    found, notes = record.explanation, []
    if found.method in (Method.LOG_ODDS, Method.LEAVE_ONE_OUT) and record.point.domain in ORDERS:
        notes.append(str(ORDERS[record.point.domain]))
    if found.differs:
        notes.append(
            _(
                "Scores that are computed now are not those that were logged: the catalogue has changed since, or not "
                "all that was known then is kept. Read the figures as a hint."
            )
        )
    if found.left_out:
        notes.append(
            ngettext(
                "The model read %(n)s item more, which is not kept with the decision.",
                "The model read %(n)s items more, which are not kept with the decision.",
                found.left_out,
            )
            % {"n": figures.count(found.left_out)}
        )
    return notes


def _lines(record: DecisionRecord, action: ExplainedAction) -> tuple[WhyLine, ...]:
    method = record.explanation.method
    if method is None or method is Method.FIXED:
        return ()
    if action.score is None:
        return (WhyLine(_("from the baseline: the policy had too few"), ""),)
    lines = [_line(record, part) for part in action.contributions[:SHOWN]]
    if action.floor is not None:
        lines.append(WhyLine(_("of its probability, spread evenly over all actions"), figures.share(action.floor)))
    if not lines and method in (Method.LEAVE_ONE_OUT, Method.LOG_ODDS) and action.computed is not None:
        return (WhyLine(_("nothing that is known of the shopper: the same for everybody"), ""),)
    return tuple(lines)


def _line(record: DecisionRecord, part: Contribution) -> WhyLine:
    fact = part.fact
    match fact.kind:
        case FactKind.RATE if fact.name == "expected_rate":
            words, effect = _("reward expected of it"), figures.share(part.effect)
        case FactKind.RATE:
            words, effect = _("chance that it is the best"), figures.chance(part.effect)
        case FactKind.POPULARITY:
            words, effect = _("popularity"), figures.level(part.effect, Shape.NUMBER, "")
        case FactKind.VALUE:
            words, effect = _("value of showing it"), figures.level(part.effect, Shape.NUMBER, "")
        case _:
            words, effect = _fact_words(record, fact), _signed(part.effect)
    return WhyLine(words, effect)


def _fact_words(record: DecisionRecord, fact: Fact) -> str:
    match fact.kind:
        case FactKind.HISTORY:
            item = record.items.get(fact.name)
            return _("dealt with: %(item)s") % {"item": (item.title if item else "") or fact.name}
        case FactKind.ACTION:
            return _("the action itself")
        case FactKind.FEATURE:
            return _("%(name)s (%(value)s)") % {"name": feature_words(fact.name), "value": fact.value}
        case _:
            return _said(record, fact)


def _said(record: DecisionRecord, fact: Fact) -> str:
    """Return a fact with what was said of it; "not said" where the storefront could have."""
    domain = all_domains().get(record.point.domain)
    if fact.value:
        return _("%(name)s: %(value)s") % {"name": fact.name, "value": fact.value}
    return _("%(name)s: not said") % {"name": fact.name} if domain and fact.name in domain.context else fact.name


def _signed(value: float) -> str:
    return figures.difference(value, Shape.NUMBER, "", figures.decimals_for(value))


def _answer(asked: AskedItem) -> list[str]:
    sentences = [_standing(asked)]
    if asked.may:
        rules = "; ".join(str(rule_words(name)) for name in asked.may)
        sentences.append(
            _("Of these reasons the log says how many actions each took, and not which ones: %(rules)s.")
            % {"rules": rules}
        )
    return sentences


def _standing(asked: AskedItem) -> str:
    told = {
        "place": figures.count(asked.place or 0),
        "rank": figures.count(asked.rank or 0),
        "ranked": figures.count(asked.ranked or 0),
        "rule": rule_words(asked.constraint or ""),
        "share": figures.share(asked.probability or 0.0),
    }
    pattern = _STANDINGS[asked.standing]
    if asked.standing is Standing.ELIGIBLE and asked.probability is not None:
        pattern = _PROBABLE
    return str(pattern % told)
