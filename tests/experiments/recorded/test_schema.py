import json
from pathlib import Path

import pytest
import yaml
from django.core.management import call_command
from jsonschema import Draft202012Validator

from experiments.recorded.manifest import Manifest
from experiments.recorded.reading import read_manifest
from experiments.recorded.schema import schema_faults, schema_text
from tests.architecture.source import PROJECT
from tests.experiments.recorded.material import PLAIN

PUBLISHED = PROJECT / "docs" / "manifest.schema.json"
EXAMPLES = sorted((PROJECT / "docs" / "examples").glob("*.yaml"))


def test_published_schema__is_what_the_code_says():
    """When this fails: bin/manage manifest_schema > docs/manifest.schema.json."""
    assert PUBLISHED.read_text() == schema_text()


def test_manifest_schema_command__prints_the_schema(capsys: pytest.CaptureFixture[str]):
    call_command("manifest_schema")
    assert capsys.readouterr().out == schema_text()


def test_published_schema__is_a_json_schema():
    Draft202012Validator.check_schema(json.loads(PUBLISHED.read_text()))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_examples__fit_schema_and_rules(path: Path):
    text = path.read_text()
    assert schema_faults(yaml.safe_load(text)) == []
    assert isinstance(read_manifest(text, name=path.name), Manifest)
    assert f"docs/examples/{path.name}" in text


def test_examples__are_there():
    assert {path.stem for path in EXAMPLES} >= {"hillstrom-email", "landing-page"}


def test_schema_faults__every_name__is_described():
    """A name without a description would be published without a word on what it means."""

    def undescribed(part: object, path: str) -> list[str]:
        if not isinstance(part, dict):
            return []
        found = [f"{path}.{name}" for name, entry in part.get("properties", {}).items() if "description" not in entry]
        return found + [name for key, entry in part.get("$defs", {}).items() for name in undescribed(entry, key)]

    assert undescribed(json.loads(schema_text()), "manifest") == []


def test_schema_faults__two_missing_and_two_unknown_names__are_four_faults():
    data = {name: part for name, part in PLAIN.items() if name not in ("project", "source")}
    faults = schema_faults({**data, "x": 1, "y": 2})
    assert sorted((fault.path, fault.message) for fault in faults) == [
        ((), "project is missing"),
        ((), "source is missing"),
        (("x",), "is not a known name"),
        (("y",), "is not a known name"),
    ]
