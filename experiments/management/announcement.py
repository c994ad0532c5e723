"""What an import says when it is done: what became of the rows, the verdict with its reasons, and where to read on."""

from collections.abc import Iterator

from django.urls import reverse

from experiments.queries.readouts import ExperimentAmbiguous, Readout, readout
from experiments.reports.figures import count
from experiments.reports.names import names_of
from experiments.reports.sentences import sentence_of
from experiments.reports.wording import verdict_words

_DROPPED = {
    "mismatched": "rows in which another variant was shown than assigned",
    "duplicates": "repeated rows of a unit, of which the first counts",
    "crossover_rows": "rows of units that were in several variants",
    "skipped": "rows of metrics that the manifest does not name",
}


def announcement_of(page: Readout, *, already: bool, url: str) -> str:
    """Return the announcement of one imported experiment, in lines."""
    return "\n".join([*_rows(page, already=already), *_verdict(page), f"Readout: {url}"])


def readout_address(page: Readout) -> str:
    """Return the path of the experiment's readout; it names the project only where the key alone is ambiguous."""
    path = reverse("readout", kwargs={"key": page.key})
    try:
        readout(key=page.key)
    except ExperimentAmbiguous:
        return f"{path}?project={page.project.key}"
    return path


def _rows(page: Readout, *, already: bool) -> Iterator[str]:
    counts = page.import_counts
    what = f"{page.key} of project {page.project.key}"
    yield (
        f"Experiment {what} was imported before from the same data; nothing changed."
        if already
        else f"Imported {what}."
    )
    yield f"  {_number(counts['rows_read'])} rows read, {_number(counts['rows_kept'])} kept."
    for name, told in _DROPPED.items():
        if counts[name]:
            yield f"  Dropped: {_number(counts[name])} {told}."
    if counts["incomplete"]:
        yield f"  In {_number(counts['incomplete'])} kept rows a figure is empty and does not count."
    quarantined = counts["quarantined"]
    for reason, number in quarantined.items() if isinstance(quarantined, dict) else ():
        yield f"  Quarantined: {_number(number)} rows, {reason}."
    if page.evidence is not None:
        shares = (f"{found.variant} {_number(found.units)}" for found in page.evidence.scorecard.variants)
        yield f"  Units: {', '.join(shares)}."


def _verdict(page: Readout) -> Iterator[str]:
    if page.evidence is None or page.plan is None:
        return
    names, verdict = names_of(page), page.evidence.verdict
    words = verdict_words(verdict.state, names.variant(verdict.winner) if verdict.winner else None)
    yield f"Verdict: {words.label}"
    for reason in verdict.reasons:
        yield f"  - {sentence_of(reason, names=names, plan=page.plan, currency=page.project.currency)}"


def _number(value: object) -> str:
    return count(int(str(value)))
