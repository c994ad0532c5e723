"""The card of a readout that says whether the shop did what variants decided, and what was kept out or not valued."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Final
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from decisions.queries.closings import closings_without_value
from decisions.queries.compliance import Compliance, compliance_of, has_decided
from decisions.reports.learner_wording import span_words
from experiments.queries.blackouts import kept_out
from experiments.queries.designs import run_facts, variants_of
from experiments.queries.plans import plan_of
from experiments.reports import figures
from experiments.reports.page import RelatedCard
from experiments.reports.wording import UNITS, Text
from foundation.queries import project_facts

COLUMNS: Final = (
    gettext_lazy("Variant"),
    gettext_lazy("Changes decided"),
    gettext_lazy("Applied"),
    gettext_lazy("Overridden"),
    gettext_lazy("Failed"),
    gettext_lazy("Not acknowledged"),
)
_UNVALUED: Final = {
    "STALE_STOCK": gettext_lazy("the stock was not counted in time"),
    "COST_MISSING": gettext_lazy("an item had no cost"),
}


def compliance_card(experiment_id: int) -> RelatedCard | None:
    """Return the card of an experiment for which batches have decided, None for any other."""
    if not has_decided(experiment_id):
        return None
    found = compliance_of(experiment_id)
    return RelatedCard(
        title=_("Was it done?"),
        sentences=tuple(_sentences(experiment_id)),
        columns=COLUMNS,
        rows=tuple(_row(variant.name, found.get(variant.key, Compliance())) for variant in variants_of(experiment_id)),
    )


def _row(name: str, made: Compliance) -> tuple[str, ...]:
    counts = (made.applied, made.overridden, made.failed, made.pending)
    return (name, figures.count(made.decided), *(_part(count, made.decided) for count in counts))


def _part(count: int, of: int) -> str:
    """Return a count with its share of all changes, the count alone where there are none."""
    if not of:
        return figures.count(count)
    return _("%(count)s (%(share)s)") % {"count": figures.count(count), "share": figures.share(count / of)}


def _sentences(experiment_id: int) -> Iterator[Text]:
    yield _(
        "Intention decides: every unit counts for the variant that was decided for it in the period, whether or not "
        "the shop did it. What was not done makes the variants more alike than they are meant to be."
    )
    yield from _periods(experiment_id)
    for reason, count in closings_without_value(experiment_id).items():
        told = {"n": figures.count(count), "why": _UNVALUED.get(reason, reason)}
        yield (
            ngettext(
                "%(n)s period of a unit was closed without valuing its stock, and counts for no variant: %(why)s.",
                "%(n)s periods of units were closed without valuing their stock, and count for no variant: %(why)s.",
                count,
            )
            % told
        )


def _periods(experiment_id: int) -> Iterator[Text]:
    run, periods = run_facts(experiment_id), plan_of(experiment_id).periods
    if periods is None:
        return
    told = {"unit": UNITS[run.unit_kind], "length": span_words(timedelta(minutes=periods.minutes))}
    if periods.burn_in:
        told["burn_in"] = span_words(timedelta(minutes=periods.burn_in))
        yield (
            _("What is randomised: %(unit)s, anew every %(length)s; the first %(burn_in)s of a period do not count.")
            % told
        )
    else:
        yield _("What is randomised: %(unit)s, anew every %(length)s.") % told
    zone = ZoneInfo(project_facts(run.project_id).time_zone)
    spans = [
        _("%(first)s to %(last)s")
        % {
            "first": begun.astimezone(zone).date().isoformat(),
            "last": (over - timedelta(seconds=1)).astimezone(zone).date().isoformat(),
        }
        for begun, over in kept_out(experiment_id)
    ]
    if spans:
        yield _("Kept out by the blackout calendar: %(days)s.") % {"days": "; ".join(spans)}
