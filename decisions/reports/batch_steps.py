"""What to do next about batches, at their decision point and on their own page: faults before anything else."""

from collections.abc import Mapping, Sequence

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from decisions.queries.batch_records import BatchesRecord
from decisions.queries.batches import BatchFacts
from decisions.queries.points import PointFacts
from decisions.reports.addresses import admin_url
from decisions.reports.batch_wording import BATCHES
from decisions.reports.wording import fault_advice, reason_words
from decisions.vocabulary import AppliedState, BatchState
from experiments.reports import figures
from experiments.reports.page import Link, Strip
from experiments.reports.wording import Text, Tone

_GLYPHS = {Tone.GOOD: "✔", Tone.WARN: "✖", Tone.BAD: "✖", Tone.OPEN: "○", Tone.MUTED: "○"}


def point_strip(record: BatchesRecord, point: PointFacts) -> Strip | None:
    """Return the strip above a decision point whose batches need somebody; None where they are as they should be."""
    form = Link(_("Open its form"), admin_url("decisions_decisionpoint", point.id))
    if record.every_minutes is None:
        return _strip(
            _("Makes no batches"), Tone.WARN, _("Nothing says how often it decides."), _("Say so in its form."), form
        )
    if record.is_late:
        return _strip(
            _("A batch is late"),
            Tone.WARN,
            _("It was due more than a quarter of an hour ago and is not there."),
            _("Look whether a worker runs for the queue “analysis”; its job in the administration has more."),
        )
    if not record.newest:
        return _strip(
            _("No batch yet"),
            Tone.MUTED,
            _("The first one is made by itself when it is due."),
            _("Wait until it is there, then look at what it decided."),
        )
    found = batch_strip(record.newest[0], record.reasons, None)
    return None if found.tone is Tone.GOOD else found


def batch_strip(batch: BatchFacts, reasons: Mapping[str, int], changes: int | None) -> Strip:
    """Return the strip above a batch. changes: how many of its decisions change something, None where unknown."""
    told = {"decisions": figures.count(batch.decisions)}
    if not batch.decisions:
        return _strip(
            _("Nothing was decided"),
            Tone.WARN,
            batch.fault or _("There was nothing to decide for."),
            _("Send what it decides for: items with prices, and for orders what the stores have of them."),
        )
    if batch.state is BatchState.UNDELIVERABLE:
        return _strip(
            str(BATCHES[batch.state].label),
            Tone.BAD,
            batch.fault or _("The shop's address did not take it."),
            _("Mend the address at the decision point, or let the shop fetch the batch."),
        )
    faults = [reason for reason in reasons if fault_advice(reason) is not None]
    if faults:
        return _faulty(batch, faults, reasons)
    sentence = ngettext("%(decisions)s decision.", "%(decisions)s decisions.", batch.decisions) % told
    if batch.state is BatchState.MADE:
        return _strip(
            _("Ready to be fetched"),
            Tone.OPEN,
            sentence,
            _("Let the shop fetch it: GET /api/v1/batches/%(id)s, or download it.") % {"id": batch.id},
        )
    pending = batch.applied.get(AppliedState.PENDING, 0)
    if pending == batch.decisions and changes != 0:
        return _strip(
            _("Nothing is acknowledged"),
            Tone.OPEN,
            sentence,
            _("Let the shop say what it did: POST /api/v1/batches/%(id)s/acknowledgements.") % {"id": batch.id},
        )
    return _strip(_("Decided and delivered"), Tone.GOOD, sentence, _("Nothing: it was made as configured."))


def _faulty(batch: BatchFacts, faults: Sequence[str], reasons: Mapping[str, int]) -> Strip:
    """Return what to say of decisions that were left to the baseline for reasons that somebody should mend."""
    share = figures.share(sum(reasons[reason] for reason in faults) / batch.decisions)
    told = {"degraded": figures.count(batch.degraded), "decisions": figures.count(batch.decisions)}
    return Strip(
        label=_("%(share)s of the decisions fell back") % {"share": share},
        tone=Tone.WARN,
        glyph=_GLYPHS[Tone.WARN],
        sentence=_("%(degraded)s of %(decisions)s decisions were left to the baseline.") % told,
        more=tuple(
            _("%(reason)s: %(number)s")
            % {"reason": reason_words(reason).label, "number": figures.count(reasons[reason])}
            for reason in faults
        ),
        next_step=fault_advice(faults[0]) or "",
        next_link=None,
        facts=(),
        fault="",
    )


def _strip(label: str, tone: Tone, sentence: Text, next_step: Text, next_link: Link | None = None) -> Strip:
    return Strip(label, tone, _GLYPHS[tone], sentence, (), next_step, next_link, (), "")
