"""What a design by period would find on the shop's own past, as a sentence and as a table."""

from collections.abc import Iterator

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from experiments.analysis.design_power import PeriodPower
from experiments.assignment.periods import DAY_MINUTES
from experiments.queries.design_power import DesignPower, NoPast
from experiments.reports import figures
from experiments.reports.wording import Text
from experiments.statistics.results import UndefinedReason


def power_sentence(found: DesignPower) -> str:
    """Return what the design would find, or why the past does not say, in one sentence or two."""
    best = found.of_design
    if found.why is not None or best is None:
        return str(_why_not(found))
    if best.problem is not None:
        return str(_problem(found, best.periods, best.problem.reason))
    design = _("with %(units)s in %(periods)s") % {"units": _units(found.units), "periods": _periods(found, best)}
    past = ngettext("By your last %(n)s day", "By your last %(n)s days", found.days) % {"n": found.days}
    power = figures.percent(found.power)
    if best.detectable is None:
        text = _("%(past)s, %(design)s you would find no lift of %(metric)s with %(power)s power.")
        said = text % {"past": past, "design": design, "metric": found.metric, "power": power}
    else:
        text = _("%(past)s, %(design)s you would find %(lift)s of %(metric)s with %(power)s power.")
        lift = figures.lift(best.detectable, 1)
        said = text % {"past": past, "design": design, "lift": lift, "metric": found.metric, "power": power}
    return f"{said} {_shorter(found, best)}".rstrip()


def power_table(found: DesignPower) -> Iterator[str]:
    """Yield the lines of a table: for each number of periods the smallest lift, false findings and the curve."""
    lifts = next((each.curve for each in found.found if each.curve), ())
    heads = [_("periods"), _("draws"), _("finds"), _("errs"), *(figures.lift(lift, 1) for lift, _power in lifts)]
    yield "  ".join(f"{head:>8}" for head in heads)
    for each in found.found:
        if each.problem is None:
            least = "-" if each.detectable is None else figures.lift(each.detectable, 1)
            errs = "-" if each.false_positives is None else figures.percent(each.false_positives)
            shown = [str(each.periods), str(each.draws), least, errs]
            shown += [figures.percent(power) for _lift, power in each.curve]
            yield "  ".join(f"{text:>8}" for text in shown)
        else:
            yield f"{each.periods:>8}  {_problem(found, each.periods, each.problem.reason)}"


def _why_not(found: DesignPower) -> Text:
    if found.why is NoPast.NEEDS_BOOKS:
        return _(
            "What %(metric)s was before cannot be said: it counts the change of stock, which is valued only in an"
            " experiment."
        ) % {"metric": found.metric}
    if found.why is NoPast.NOTHING_HAPPENED:
        text = ngettext(
            "The last %(n)s day has nothing of %(metric)s for these units, so that nothing can be said of the power.",
            "The last %(n)s days have nothing of %(metric)s for these units, so that nothing can be said of the power.",
            found.days,
        )
        return text % {"n": found.days, "metric": found.metric}
    text = ngettext(
        "There is too little history: %(n)s whole period of it, and a design needs two blocks or more.",
        "There is too little history: %(n)s whole periods of it, and a design needs two blocks or more.",
        found.available,
    )
    return text % {"n": found.available}


def _problem(found: DesignPower, periods: int, reason: UndefinedReason) -> Text:
    if reason is UndefinedReason.TOO_FEW_UNITS:
        return _(
            "There is too little history, or there are too few units, for an error: %(units)s in %(periods)s periods."
        ) % {"units": _units(found.units), "periods": periods}
    return _("The past of %(metric)s does not vary so that a lift could be told (%(reason)s).") % {
        "metric": found.metric,
        "reason": reason.value,
    }


def _shorter(found: DesignPower, best: PeriodPower) -> Text:
    """Return that the design is longer than the past, where it is."""
    if found.planned is None or found.planned <= best.periods + 1:
        return ""
    return _("The design plans %(n)s periods, for which there is too little history.") % {"n": found.planned}


def _units(count: int) -> Text:
    return ngettext("%(n)s unit", "%(n)s units", count) % {"n": figures.count(count)}


def _periods(found: DesignPower, best: PeriodPower) -> Text:
    if found.minutes % DAY_MINUTES == 0:
        days = found.minutes // DAY_MINUTES
        length = ngettext("%(n)s day", "%(n)s days", days) % {"n": days}
    else:
        length = ngettext("%(n)s minute", "%(n)s minutes", found.minutes) % {"n": found.minutes}
    return _("%(periods)s periods of %(length)s") % {"periods": best.periods, "length": length}
