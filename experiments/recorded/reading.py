"""From the text of a manifest to a checked `Manifest`, every fault with its line and column."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import msgspec
import yaml

from experiments.recorded.faults import Fault, ManifestInvalid, Path, PlacedFault
from experiments.recorded.manifest import Manifest
from experiments.recorded.rules import rule_faults
from experiments.recorded.schema import schema_faults

LONGEST_MANIFEST = 1_000_000
DEEPEST_NESTING = 20

_WORDS: dict[str, object] = {"": None, "~": None, "null": None, "true": True, "false": False}
_INTEGER = re.compile(r"-?(0|[1-9][0-9]{0,17})", re.ASCII)
_DECIMAL = re.compile(r"-?(0|[1-9][0-9]{0,17})\.[0-9]{1,18}([eE][+-]?[0-9]{1,2})?", re.ASCII)
_PROSE: Path = ("experiment", "hypothesis")
_START = (1, 1)
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f\ud800-\udfff]")


class _FaultFound(Exception):
    """Reading cannot go on."""

    def __init__(self, placed: PlacedFault) -> None:
        super().__init__(placed.fault.message)
        self.placed = placed


@dataclass(slots=True)
class _Places:
    """Where each value of the manifest stands."""

    marks: dict[Path, tuple[int, int]] = field(default_factory=dict)

    def note(self, path: Path, place: tuple[int, int]) -> None:
        self.marks[path] = place

    def placed(self, fault: Fault) -> PlacedFault:
        path = fault.path
        while path and path not in self.marks:
            path = path[:-1]
        line, column = self.marks.get(path, (1, 1))
        return PlacedFault(line, column, fault)


def read_manifest(text: str, *, name: str) -> Manifest:
    """Return the manifest in the YAML text; `name` is how messages call the file.

    Plain scalars are read as in YAML 1.2, so that no, on, 007 and 2024-03-01 are texts. Raises ManifestInvalid with
    every fault of the first stage that finds one: YAML, schema, meaning.
    """
    places = _Places()
    try:
        data = _load(text, places)
    except _FaultFound as found:
        raise ManifestInvalid(name, [found.placed]) from None
    _refuse(name, places, schema_faults(data))
    manifest = msgspec.convert(data, Manifest)
    _refuse(name, places, rule_faults(manifest))
    return manifest


def _refuse(name: str, places: _Places, faults: Iterable[Fault]) -> None:
    found = [places.placed(fault) for fault in faults]
    if found:
        raise ManifestInvalid(name, found)


def _load(text: str, places: _Places) -> object:
    if len(text) > LONGEST_MANIFEST:
        raise _fault(_START, (), "the file is too long", "is this the manifest, not the data?")
    try:
        for event in yaml.parse(text, yaml.SafeLoader):
            if isinstance(event, yaml.AliasEvent):
                raise _fault(_place(event.start_mark), (), "refers to an anchor", "write the value out.")
        node = yaml.compose(text, yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        place = _place(error.problem_mark or error.context_mark)
        raise _fault(place, (), f"is not YAML: {error.problem}", "mend the indentation, quotes or colons.") from None
    except (yaml.YAMLError, ValueError) as error:
        raise _fault(_START, (), f"is not YAML: {error}", "save it as text without control characters.") from None
    except RecursionError:
        raise _fault(_START, (), "is nested too deeply", "flatten it.") from None
    if node is None:
        raise _fault(_START, (), "the manifest is empty", "see docs/import.md for an example.")
    return _value(node, (), places)


def _value(node: yaml.Node, path: Path, places: _Places) -> object:
    places.note(path, _at(node))
    if len(path) > DEEPEST_NESTING:
        raise _fault(_at(node), (), "is nested too deeply", "flatten it.")
    if isinstance(node, yaml.MappingNode):
        return _mapping(node, path, places)
    if isinstance(node, yaml.SequenceNode):
        return [_value(entry, (*path, index), places) for index, entry in enumerate(node.value)]
    return _scalar(str(node.value), node, path)


def _mapping(node: yaml.MappingNode, path: Path, places: _Places) -> dict[str, object]:
    found: dict[str, object] = {}
    for key, entry in node.value:
        if not isinstance(key, yaml.ScalarNode):
            raise _fault(_at(key), path, "has a name that is not a text", "use a plain word before the colon.")
        if key.value in found:
            raise _fault(_at(key), (*path, key.value), "is there twice", "keep one of the two.")
        found[key.value] = _value(entry, (*path, key.value), places)
        places.note((*path, key.value), _at(key))
    return found


def _scalar(value: str, node: yaml.Node, path: Path) -> object:
    plain = getattr(node, "style", None) is None
    if _CONTROL.search(value):
        raise _fault(_at(node), path, "contains a control character", "remove it.")
    text = value.strip("\n")
    if "\n" in text and path != _PROSE:
        raise _fault(_at(node), path, "runs over several lines", "write it on one line.")
    if not plain:
        return text
    if value in _WORDS:
        return _WORDS[value]
    if _INTEGER.fullmatch(value):
        return int(value)
    if _DECIMAL.fullmatch(value):
        return float(value)
    return value


def _at(node: yaml.Node) -> tuple[int, int]:
    return _place(node.start_mark)


def _place(mark: Any) -> tuple[int, int]:
    return (mark.line + 1, mark.column + 1) if mark is not None else _START


def _fault(place: tuple[int, int], path: Path, message: str, fix: str) -> _FaultFound:
    line, column = place
    return _FaultFound(PlacedFault(line, column, Fault(path, message, fix)))
