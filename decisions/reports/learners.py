"""The page of a learning policy, as its template sees it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.utils.translation import gettext as _

from decisions.queries.learner_records import Chance, LearnerRecord, Weight
from decisions.queries.learners import StateFacts
from decisions.reports.addresses import admin_url, learner_url, point_url, readout_url
from decisions.reports.holdbacks import Sides, sides_of
from decisions.reports.learner_strip import strip_of
from decisions.reports.learner_wording import KIND_MEANINGS, feature_words, reward_words, span_words
from experiments.reports import figures
from experiments.reports.figures import Shape
from experiments.reports.page import Fact, Link, Strip
from experiments.reports.times import moment
from experiments.reports.wording import STATUSES, Text

HASH_SHOWN = 12


@dataclass(frozen=True, slots=True)
class ChanceLine:
    """An action and how probable it is. `floor` and `width` are lengths of 100; `floor` is "" where it is not said."""

    title: str
    item: str
    probability: str
    width: str
    floor: str
    known: str


@dataclass(frozen=True, slots=True)
class WeightLine:
    """What it thinks of a feature."""

    feature: Text
    mean: str
    interval: str


@dataclass(frozen=True, slots=True)
class StateLine:
    """A state: which decisions gave it, and what became of them."""

    number: str
    learnt: str
    span: Text
    rows: str
    rewarded: str
    left_out: Text
    sha256: str


@dataclass(frozen=True, slots=True)
class LearnerPage:
    """A learning policy's page."""

    name: str
    key: str
    point: Link
    facts: tuple[Fact, ...]
    strip: Strip
    about: tuple[str, ...]
    uses: tuple[Link, ...]
    chances: tuple[ChanceLine, ...]
    chances_about: Text
    floor: str
    weights: tuple[WeightLine, ...]
    sides: Sides
    states: tuple[StateLine, ...]
    older: str
    replay: str
    json_url: str
    admin_url: str


def learner_page(record: LearnerRecord) -> LearnerPage:
    """Return the page of a learning policy."""
    learner, project = record.learner, record.project
    return LearnerPage(
        name=learner.name,
        key=learner.key,
        point=Link(record.point.name, point_url(record.point.key, project)),
        facts=(
            Fact(_("Project"), project.name),
            Fact(_("Floor"), figures.percent(learner.floor)),
            Fact(_("Holdback"), figures.percent(learner.holdback)),
            Fact(_("States"), figures.count(record.total)),
            Fact(_("Times in"), project.time_zone),
        ),
        strip=strip_of(record),
        about=_about(record),
        uses=tuple(_uses(record)),
        chances=tuple(_chance(record, chance) for chance in record.chances),
        chances_about=_chances_about(record),
        floor=figures.percent(learner.floor),
        weights=tuple(_weight(weight) for weight in record.weights),
        sides=sides_of(record.figures),
        states=tuple(_state(record, state) for state in record.states),
        older=figures.count(record.total - len(record.states)) if record.total > len(record.states) else "",
        replay=f"bin/manage replay_learner {project.key} {record.point.key} {learner.key}",
        json_url=learner_url(record.point.key, learner.key, project, name="learner-json"),
        admin_url=admin_url("decisions_learner", learner.id),
    )


def _about(record: LearnerRecord) -> tuple[str, ...]:
    learner = record.learner
    told = {
        "reward": reward_words(learner.reward),
        "span": span_words(timedelta(minutes=learner.update_minutes)),
        "floor": figures.percent(learner.floor),
        "holdback": figures.percent(learner.holdback),
    }
    if record.knows_demand:
        return (
            str(KIND_MEANINGS[learner.kind.value]),
            _("It chooses by Thompson sampling: the likelier a price brings most, the more often it is asked for."),
            _("It learns from what is ordered while its prices hold. Between two updates: %(span)s of the shop's time.")
            % told,
            _("%(floor)s of its decisions are spread evenly over all allowed prices.") % told,
            _("%(holdback)s of the items always get the baseline, to compare with.") % told,
        )
    return (
        str(KIND_MEANINGS[learner.kind.value]),
        _("It chooses by Thompson sampling: the likelier an action is the best, the more often it is shown."),
        _("Its reward is %(reward)s of being shown. Between two updates: %(span)s of the shop's time.") % told,
        _("%(floor)s of its decisions are spread evenly over all actions, so that none is ever given up.") % told,
        _("%(holdback)s of the shoppers always get the baseline, to compare with.") % told,
    )


def _uses(record: LearnerRecord) -> Iterator[Link]:
    if record.point.learner_id == record.learner.id:
        label = _("All traffic outside experiments at %(point)s") % {"point": record.point.name}
        yield Link(label, point_url(record.point.key, record.project))
    for trial in record.trials:
        told = {"name": trial.standing.name, "status": STATUSES[trial.standing.status]}
        yield Link(_("%(name)s (%(status)s)") % told, readout_url(trial.standing.key, record.project))


def _chances_about(record: LearnerRecord) -> Text:
    told = {"count": figures.count(record.competing), "shown": figures.count(len(record.chances))}
    if record.knows_demand:
        return (
            _(
                "It depends on the item. How often each price was chosen in the last 24 hours: "
                "the most frequent %(shown)s of %(count)s."
            )
            % told
        )
    if record.knows_rates and record.competing <= len(record.chances):
        return _("For the first place of a slate, where all %(count)s actions in stock compete.") % told
    if record.knows_rates:
        return (
            _("For the first place of a slate, where all %(count)s actions in stock compete; the likeliest %(shown)s.")
            % told
        )
    return (
        _(
            "It depends on shopper and moment. How often each action came first in the last 24 hours: "
            "the most frequent %(shown)s of %(count)s."
        )
        % told
    )


def _chance(record: LearnerRecord, chance: Chance) -> ChanceLine:
    item = record.titles.get(chance.item)
    return ChanceLine(
        title=(item.title if item else "") or chance.item,
        item=chance.item,
        probability=figures.share(chance.probability),
        width=f"{chance.probability * 100.0:.2f}",
        floor="" if chance.floor is None else f"{chance.floor * 100.0:.2f}",
        known=_known(chance),
    )


def _known(chance: Chance) -> str:
    if chance.rewards is None or chance.misses is None:
        return ""
    seen = chance.rewards + chance.misses
    told = {"rate": figures.share(chance.rewards / seen), "seen": figures.count(round(seen))}
    return _("%(rate)s of about %(seen)s times, the prior included") % told


def _weight(weight: Weight) -> WeightLine:
    half = 1.96 * weight.deviation
    decimals = figures.decimals_for(weight.mean, half)
    return WeightLine(
        feature=feature_words(weight.feature),
        mean=figures.difference(weight.mean, Shape.NUMBER, "", decimals),
        interval=_("%(lower)s to %(upper)s")
        % {
            "lower": figures.difference(weight.mean - half, Shape.NUMBER, "", decimals),
            "upper": figures.difference(weight.mean + half, Shape.NUMBER, "", decimals),
        },
    )


def _state(record: LearnerRecord, state: StateFacts) -> StateLine:
    zone, found = record.project.time_zone, state.figures
    span: Text = _("the prior: nothing has been learnt yet")
    if state.rewards_from is not None:
        told = {"start": moment(state.rewards_from, zone), "end": moment(state.rewards_until, zone)}
        span = _("decisions of %(start)s to %(end)s") % told
    return StateLine(
        number=figures.count(state.number),
        learnt=moment(state.created_at, zone),
        span=span,
        rows=figures.count(state.rows),
        rewarded=figures.count(int(found.get("rewarded") or 0)),
        left_out=", ".join(_left_out(found)) or "–",
        sha256=state.sha256[:HASH_SHOWN],
    )


def _left_out(found: Any) -> Iterator[str]:
    """Yield what was not learnt from, with how much of it there was."""
    words = {
        "holdback": _("%(n)s of the holdback"),
        "unseen": _("%(n)s that nobody saw"),
        "fallback": _("%(n)s that the baseline made"),
        "late": _("%(n)s rewards too late"),
    }
    for name, pattern in words.items():
        count = int(found.get(name) or 0)
        if count:
            yield pattern % {"n": figures.count(count)}
    ignored = sum(int(count) for count in (found.get("ignored") or {}).values())
    if ignored:
        yield _("%(n)s that cannot be") % {"n": figures.count(ignored)}
