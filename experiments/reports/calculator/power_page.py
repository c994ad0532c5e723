"""The answer to `How long?`: a plain sentence, what it rests on, and what each week more can find."""

from collections.abc import Iterator
from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from experiments.analysis.calculator.power import Planned
from experiments.reports import figures
from experiments.reports.calculator.curve import Curve, curve_of, short_percent
from experiments.reports.wording import Text, Tone
from experiments.statistics.calculator import Answer, Asked, Missing, Week
from experiments.statistics.designs import Design, Watching

LONGEST_WEEKS = 8
USUAL_WEEKS = 4
SMALLEST_POWER = 0.5


@dataclass(frozen=True, slots=True)
class Fact:
    """A figure with its name, and what it means where that is not plain."""

    label: Text
    value: str
    note: Text = ""


@dataclass(frozen=True, slots=True)
class WeekLine:
    """One row of the table; `words` take the place of a lift that does not exist."""

    week: str
    units: str
    lift: str
    words: Text
    width: str
    planned: bool


@dataclass(frozen=True, slots=True)
class PowerAnswer:
    """Everything below the form."""

    tone: Tone
    glyph: str
    sentence: str
    advice: tuple[str, ...]
    facts: tuple[Fact, ...]
    weeks: tuple[WeekLine, ...]
    curve: Curve | None


def power_answer(found: Planned) -> PowerAnswer:
    """Return the answer in the language of the request."""
    answer, design = found.answer, found.design
    advice = tuple(_advice(design, answer))
    shown = [week.lift for week in answer.by_week if week.lift is not None]
    planned = None if answer.days is None else answer.days // 7
    return PowerAnswer(
        tone=Tone.WARN if advice else Tone.OPEN,
        glyph="▶",
        sentence=_sentence(design, answer),
        advice=advice,
        facts=tuple(_facts(design, answer)),
        weeks=tuple(_week(week, max(shown, default=0.0), planned) for week in answer.by_week),
        curve=curve_of([(week.week, week.lift) for week in answer.by_week if week.lift is not None], planned),
    )


def _sentence(design: Design, answer: Answer) -> str:
    words = {
        "lift": short_percent(abs(answer.lift)),
        "per_day": "" if design.traffic is None else _number(design.traffic.units_per_day),
        "weeks": "" if answer.days is None else figures.count(answer.days // 7),
        "units": figures.count(answer.units),
        "power": short_percent(answer.power),
    }
    return _template(answer, fall=answer.lift < 0.0) % words


def _template(answer: Answer, *, fall: bool) -> str:
    weeks = 0 if answer.days is None else answer.days // 7
    match answer.asked:
        case Asked.UNITS:
            return _needed(weeks, fall=fall)
        case Asked.LIFT:
            return ngettext(
                "With %(per_day)s visitors a day, %(weeks)s week is enough to find a lift of %(lift)s or more.",
                "With %(per_day)s visitors a day, %(weeks)s weeks are enough to find a lift of %(lift)s or more.",
                weeks,
            )
        case Asked.POWER if fall:
            return _("A real fall of %(lift)s is found with a chance of %(power)s by %(units)s visitors.")
        case Asked.POWER:
            return _("A real lift of %(lift)s is found with a chance of %(power)s by %(units)s visitors.")


def _needed(weeks: int, *, fall: bool) -> str:
    """Return the sentence for the units that are needed; weeks is 0 where nobody said how many come."""
    if not weeks:
        if fall:
            return _("You need %(units)s visitors to find a fall of %(lift)s or more.")
        return _("You need %(units)s visitors to find a lift of %(lift)s or more.")
    if fall:
        return ngettext(
            "With %(per_day)s visitors a day you need %(weeks)s week to find a fall of %(lift)s or more.",
            "With %(per_day)s visitors a day you need %(weeks)s weeks to find a fall of %(lift)s or more.",
            weeks,
        )
    return ngettext(
        "With %(per_day)s visitors a day you need %(weeks)s week to find a lift of %(lift)s or more.",
        "With %(per_day)s visitors a day you need %(weeks)s weeks to find a lift of %(lift)s or more.",
        weeks,
    )


def _advice(design: Design, answer: Answer) -> Iterator[str]:
    if answer.asked is Asked.POWER and answer.power < min(SMALLEST_POWER, design.power):
        yield _("The test would more often miss this lift than find it. Give it more weeks, or look for more.")
    if answer.days is None or answer.days <= 7 * LONGEST_WEEKS:
        return
    yield _(
        "Tests of more than eight weeks meet another season and lose visitors who delete their cookies. Look for a "
        "larger lift, reach more visitors, or use a metric with history (CUPED)."
    )
    usual = next((week.lift for week in answer.by_week if week.week == USUAL_WEEKS), None)
    if usual is not None:
        yield _("Four weeks find a lift of %(lift)s or more.") % {"lift": short_percent(usual)}


def _facts(design: Design, answer: Answer) -> Iterator[Fact]:
    yield Fact(_("Visitors in all"), figures.count(answer.units))
    yield Fact(_("In the control"), figures.count(answer.control))
    each = _("In the other variant") if design.treatments == 1 else _("In each other variant")
    yield Fact(each, figures.count(answer.each_treatment))
    if design.triggered < 1.0:
        yield Fact(_("Reached by the change"), figures.count(answer.analysed))
    if answer.clusters is not None:
        factor = _number(answer.design_effect)
        yield Fact(
            _("Clusters"),
            figures.count(answer.clusters),
            _("They multiply the visitors by %(factor)s.") % {"factor": factor},
        )
    if answer.days is not None and design.traffic is not None:
        window = ngettext(
            "Whole weeks, until the window of %(n)s day has closed for everybody.",
            "Whole weeks, until the window of %(n)s days has closed for everybody.",
            design.traffic.window_days,
        )
        yield Fact(_("Days"), figures.count(answer.days), window % {"n": design.traffic.window_days})
    yield Fact(_("Chance to find the lift"), short_percent(answer.power))
    yield from _guardrails(answer)
    yield from _looks(design, answer)
    if design.treatments > 1:
        best = _("Tightest with %(share)s of the visitors in the control.")
        note = best % {"share": short_percent(answer.optimal_control_share)}
        yield Fact(_("False alarms per variant"), short_percent(answer.alpha_each), note)


def _guardrails(answer: Answer) -> Iterator[Fact]:
    for each in answer.guardrails:
        yield Fact(
            _("Guardrail %(name)s") % {"name": each.name}, short_percent(each.power), _("Chance to be shown unharmed.")
        )
    if answer.guardrails:
        yield Fact(_("Lift found and every guardrail unharmed"), short_percent(answer.ship_power))


def _looks(design: Design, answer: Answer) -> Iterator[Fact]:
    if design.looks.method is Watching.FIXED_HORIZON:
        return
    more = _("They cost %(more)s more visitors than one look at the end.") % {
        "more": short_percent(max(0.0, answer.inflation - 1.0))
    }
    yield Fact(_("Looks"), figures.count(design.looks.count), more)
    stops = _("If the lift is real, the test can stop early.")
    yield Fact(_("Visitors used on average"), short_percent(answer.mean_share), stops)


def _week(week: Week, largest: float, planned: int | None) -> WeekLine:
    lift = "" if week.lift is None else "+" + short_percent(week.lift)
    width = 0.0 if week.lift is None or not largest else 100.0 * week.lift / largest
    return WeekLine(
        week=figures.count(week.week),
        units=figures.count(week.units),
        lift=lift,
        words=_why(week.reason),
        width=f"{width:.1f}",
        planned=week.week == planned,
    )


def _why(reason: Missing | None) -> Text:
    match reason:
        case None:
            return ""
        case Missing.WINDOW_OPEN:
            return _("No visitor's window has closed.")
        case Missing.TOO_FEW_UNITS:
            return _("A variant has fewer than two visitors.")
        case _:
            return _("Too few visitors for any lift that is possible.")


def _number(value: float) -> str:
    return figures.level(value, figures.Shape.NUMBER, "")
