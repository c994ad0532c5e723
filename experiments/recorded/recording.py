"""A recorded experiment from manifest and files to units or totals: the order in which everything happens."""

import hashlib
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from experiments.recorded.aggregate_layout import layout_of_aggregates
from experiments.recorded.aggregates import RecordedAggregates, add_up
from experiments.recorded.counts import BadRow
from experiments.recorded.files import DataFile, DataInvalid, digest, examined, refuse_damaged
from experiments.recorded.layout import layout_of
from experiments.recorded.loading import Loaded, experiment_values, load
from experiments.recorded.manifest import Manifest
from experiments.recorded.manifest_parts import FILE_NAME, PLACEHOLDER, SourceKind
from experiments.recorded.problems import bad_rows, malformed_lines, refuse_bad_data, refuse_bad_file
from experiments.recorded.units import RecordedUnits, settle
from experiments.recorded.workspace import opened_workspace

_NOT_IN_KEYS = re.compile(r"[^a-z0-9._-]+")
_LONGEST_KEY = 64


class NothingRecorded(DataInvalid):
    """The data hold no rows of the experiment that is asked for."""

    code = "NOTHING_RECORDED"
    hint = "Check experiment.recorded and columns.experiment in the manifest."


@dataclass(frozen=True, slots=True)
class Part:
    """One experiment to import: its key and name, and the value that its rows have in the experiment column."""

    key: str
    name: str
    value: str | None


@dataclass(frozen=True, slots=True)
class Recording:
    """The loaded data of a manifest."""

    manifest: Manifest
    loaded: Loaded
    parts: tuple[Part, ...]

    def units(self, part: Part) -> tuple[RecordedUnits, list[BadRow]]:
        """Return the units of an experiment and examples of its bad rows. Raises DataInvalid if it cannot be used."""
        found = settle(self.manifest, self.loaded, value=part.value)
        examples = bad_rows(self.loaded, value=part.value)
        refuse_bad_data(self.manifest, found.counts, examples, self._needed(found.units), what=part.key)
        return found, examples

    def aggregates(self, part: Part) -> RecordedAggregates:
        """Return the totals of an experiment. Raises DataInvalid if it cannot be used."""
        found = add_up(self.manifest, self.loaded, value=part.value)
        examples = list(found.examples)
        refuse_bad_data(self.manifest, found.counts, examples, self._needed(found.units), what=part.key)
        return found

    def unattributed(self) -> list[BadRow]:
        """Return examples of lines that belong to no experiment, when a file holds many."""
        return malformed_lines(self.loaded) if self.manifest.columns.experiment else []

    def _needed(self, units: dict[str, int]) -> dict[str, int]:
        """Return the units of the variants that an experiment must have: of many, each has the control and another."""
        present = {key: number for key, number in units.items() if number}
        if not self.manifest.experiment.many or len(present) < 2:
            return units
        return {key: number for key, number in units.items() if number or key == self.manifest.control.key}


def fingerprint(manifest: Manifest, files: Sequence[DataFile]) -> str:
    """Return the hexadecimal digest of what the manifest says and of the files' bytes, in whatever order they come."""
    named = FILE_NAME in manifest.canonical_json().decode()
    entries = sorted(f"{digest(file.path)} {file.name if named else ''}" for file in files)
    content = manifest.canonical_json() + b"\0" + "\n".join(entries).encode()
    return hashlib.sha256(content).hexdigest()


def examine_files(manifest: Manifest, paths: Sequence[Path]) -> tuple[DataFile, ...]:
    """Return the data files, checked to be whole and different from each other. Raises DataInvalid."""
    files = tuple(examined(path, how=manifest.csv) for path in paths)
    if not files:
        raise DataInvalid("No data file is given.", hint="Name at least one after the manifest.")
    names = [file.name for file in files]
    if len(set(names)) != len(names):
        raise DataInvalid("Two data files have the same name.", hint="Rename one, or name each file once.")
    for file in files:
        refuse_damaged(file)
    return files


@contextmanager
def opened_recording(
    manifest: Manifest, files: Sequence[DataFile], *, workspaces: Path, project_zone: str
) -> Iterator[Recording]:
    """Yield the loaded data; `workspaces` is the folder to work in. Raises DataInvalid."""
    with opened_workspace(workspaces) as workspace:
        if manifest.source is SourceKind.ROWS:
            layout = layout_of(manifest, project_zone=project_zone)
        else:
            layout = layout_of_aggregates(manifest)
        loaded = load(manifest, layout, files, workspace)
        if manifest.columns.experiment is not None:
            refuse_bad_file(manifest, loaded)
        yield Recording(manifest, loaded, _parts(manifest, loaded))


def _parts(manifest: Manifest, loaded: Loaded) -> tuple[Part, ...]:
    part = manifest.experiment
    if manifest.columns.experiment is None:
        return (Part(part.key, part.name, None),)
    values = experiment_values(loaded)
    if not part.many:
        if str(part.recorded) not in values:
            shown = ", ".join(repr(value) for value in values[:10])
            raise NothingRecorded(
                f"Column {manifest.columns.experiment} never holds {str(part.recorded)!r};"
                f" it holds {shown or 'nothing'}{', ...' if len(values) > 10 else ''}."
            )
        return (Part(part.key, part.name, str(part.recorded)),)
    parts = tuple(_named(manifest, value) for value in values)
    keys = [found.key for found in parts]
    doubled = next((key for key in keys if keys.count(key) > 1), None)
    if doubled is not None:
        raise DataInvalid(
            f"Several values of column {manifest.columns.experiment} give the key {doubled!r}.",
            hint="Make them differ in letters and digits.",
        )
    if not parts:
        raise NothingRecorded(f"Column {manifest.columns.experiment} holds nothing.")
    return parts


def _named(manifest: Manifest, value: str) -> Part:
    part = manifest.experiment
    key = part.key.replace(PLACEHOLDER, _NOT_IN_KEYS.sub("-", value.lower()).strip("-"))
    if len(key) > _LONGEST_KEY or not key[:1].isalnum():
        raise DataInvalid(f"The value {value!r} makes no key of 1 to 64 characters.", hint="Shorten experiment.key.")
    name = part.name.replace(PLACEHOLDER, value) if PLACEHOLDER in part.name else f"{part.name} ({value})"
    return Part(key, name[:200], value)
