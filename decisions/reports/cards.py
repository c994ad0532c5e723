"""Model cards: what somebody should know of a version before letting it decide, from what is recorded of it."""

from collections.abc import Iterator

from django.utils.translation import gettext as _

from decisions.queries.descent import Descent
from decisions.queries.model_records import VersionRecord
from decisions.registry import domain_of
from decisions.reports.domains import domain_name, domain_summary, recipe_words
from decisions.reports.gates import Gate, gate_of, metric_lines, reference_label, reference_names
from decisions.reports.holders import holders_in_words
from decisions.reports.numbers import size
from decisions.reports.runs import window_of
from decisions.reports.wording import ALIASES, PREDICTOR_MEANINGS, PREDICTORS
from experiments.reports import figures
from experiments.reports.times import moment
from models_registry.cards import Card, Section, Table


def card_of(descent: Descent) -> Card:
    """Return the card of a version, in the language of the page."""
    version = descent.version
    gate = gate_of(version.gate)
    sections = (
        _what(descent),
        _use(descent),
        _data(descent),
        _figures(descent),
        _gate(gate),
        Section(_("Limits"), points=limits_of(descent.record)),
        Section(_("Personal data and fairness"), points=personal_notes(version.model.domain)),
        _status(descent),
    )
    return Card(
        _("Model card: %(name)s v%(number)s") % {"name": version.model.name, "number": version.number}, sections
    )


def limits_of(record: VersionRecord) -> tuple[str, ...]:
    """Return what its figures do not show, as sentences."""
    return tuple(_limits(record))


def personal_notes(domain_key: str) -> tuple[str, ...]:
    """Return what a domain's models do with personal data, as sentences."""
    notes = [_("The artifact holds arrays about actions and features; it holds no id of a person.")]
    if domain_of(domain_key).personal:
        notes += [
            _("While serving it reads what the shopper did lately, under ids hashed with the project's secret."),
            _("A shopper who switches personalisation off gets the baseline, and stays out of experiments with it."),
            _("Whoever is erased is not learnt from again; versions from before keep what they learnt in their sums."),
        ]
    else:
        notes.append(_("While serving it reads nothing about the shopper."))
    notes.append(_("Groups of people that are not among the slices above were not compared: check those that matter."))
    return tuple(notes)


def _what(descent: Descent) -> Section:
    version, project = descent.version, descent.record.project
    return Section(
        _("What it is"),
        paragraphs=(str(PREDICTOR_MEANINGS.get(version.kind, version.kind)),),
        facts=(
            (_("Model"), f"{version.model.name} ({version.model.key})"),
            (_("Project"), project.name),
            (_("Domain"), str(domain_name(version.model.domain))),
            (_("Predictor"), str(PREDICTORS.get(version.kind, version.kind))),
            (_("Registered"), moment(version.created_at, project.time_zone)),
            (_("Size"), size(version.size)),
            ("SHA-256", version.sha256),
            (_("Code revision"), version.code_revision or _("unknown")),
        ),
    )


def _use(descent: Descent) -> Section:
    points = ", ".join(point.name for point in descent.record.points) or _("none so far")
    inputs = ", ".join(map(str, descent.version.signature.get("inputs") or ())) or _("nothing about the shopper")
    return Section(
        _("Intended use"),
        paragraphs=(str(domain_summary(descent.version.model.domain)),),
        facts=((_("Decision points"), points), (_("Reads"), inputs)),
        points=(_("It was not made for other domains, and not for what changes the amount that a person pays."),),
    )


def _data(descent: Descent) -> Section:
    record = descent.record
    run, facts = record.run, record.run.dataset
    rows = [
        (_("Window"), window_of(run, record.project.time_zone)),
        (_("Recipe"), str(recipe_words(record.version.model.domain, run.recipe)) or run.recipe),
        (_("Seed"), str(run.seed)),
    ]
    labels = {"rows": _("Rows"), "units": _("People"), "items": _("Items"), "test_users": _("Judged by, people")}
    rows += [(label, figures.count(facts[name])) for name, label in labels.items() if isinstance(facts.get(name), int)]
    rows += [(str(name), f"{value:g}" if isinstance(value, float) else str(value)) for name, value in _asked(descent)]
    if facts.get("sha256"):
        rows.append((_("Digest of the data"), str(facts["sha256"])))
    return Section(_("Data and training"), facts=tuple(rows))


def _asked(descent: Descent) -> Iterator[tuple[str, object]]:
    run = descent.record.run
    yield from sorted((run.dataset.get("parameters") or run.parameters).items())


def _figures(descent: Descent) -> Section:
    metrics = descent.version.metrics
    names = reference_names(metrics)
    headings = (_("Figure"), _("This version"), *(str(reference_label(name)) for name in names))
    rows = tuple((str(line.label), line.candidate, *line.references) for line in metric_lines(metrics))
    return Section(
        _("Offline figures"),
        paragraphs=(_("On people whose later deeds it had not seen."),),
        tables=(Table(headings, rows),) if rows else (),
    )


def _gate(gate: Gate) -> Section:
    compared = Table(
        (_("Compared with"), _("This version"), _("Reference"), _("Difference"), _("Interval"), _("People")),
        tuple(
            (str(line.reference), line.candidate, line.beside, line.difference, line.interval, line.users)
            for line in gate.lines
        ),
    )
    parts = Table(
        (_("Slice"), _("Compared with"), _("Difference"), _("Interval"), _("People"), _("Judgment")),
        tuple(
            (str(line.name), line.reference, line.difference, line.interval, line.users, str(line.words.label))
            for line in gate.slices
        ),
    )
    checks = Table(
        (_("Check"), _("Found"), _("Allowed"), _("Judgment"), _("Note")),
        tuple((str(line.name), line.found, line.allowed, str(line.words.label), line.note) for line in gate.checks),
    )
    return Section(
        _("Offline gate"),
        paragraphs=(str(gate.words.label), gate.rule),
        points=gate.reasons,
        tables=tuple(table for table in (compared, parts, checks) if table.rows),
    )


def _limits(record: VersionRecord) -> Iterator[str]:
    version, zone = record.version, record.project.time_zone
    gate = gate_of(version.gate)
    yield _(
        "Offline figures say how well it foretells what people did anyway. Only an experiment shows what it changes."
    )
    yield _("It knows nothing after %(time)s.") % {"time": moment(version.data_end, zone)}
    if not gate.slices:
        yield _("It was not judged by slices, so it may be worse for some people than these figures say.")
    if not gate.checks:
        yield _("Calibration, constraints and time were not measured.")
    if "compressed_loss" in version.metrics:
        yield _("Its arrays are compressed; the figures are those of the compressed version.")
    if not any(True for trial in record.trials if trial.verdict is not None):
        yield _("No experiment has judged it so far.")


def _status(descent: Descent) -> Section:
    numbers = {descent.version.id: descent.version.number}
    held = [
        (str(ALIASES[name]), holders_in_words(mine, numbers))
        for name, holders in descent.record.aliases.items()
        if (mine := tuple(holder for holder in holders if holder.version == descent.version.id))
    ]
    dropped = descent.dropped_at
    if dropped is not None:
        held.append((_("Artifact dropped"), moment(dropped, descent.record.project.time_zone)))
    return Section(_("Where it stands"), facts=tuple(held), paragraphs=() if held else (_("It serves nobody."),))
