import pytest

from experiments.recorded.faults import ManifestInvalid
from experiments.recorded.manifest_parts import Missing, OutcomeKind
from experiments.recorded.reading import LONGEST_MANIFEST, read_manifest
from experiments.vocabulary import Direction, MetricRole, UnitKind
from tests.experiments.recorded.material import full_manifest, make_manifest, manifest_text

TEXT = """\
schema: 1
project: shop
experiment:
  key: button
  name: Button
  hypothesis: Blue is seen sooner.
source: rows
columns:
  variant: arm
variants:
  - {key: control, control: true, recorded: [no]}
  - {key: treatment, recorded: [007, "1.0", 12]}
outcomes:
  - {name: conversion, kind: binary, column: converted, role: DECISION}
"""


def faults_of(text: str) -> list[str]:
    with pytest.raises(ManifestInvalid) as caught:
        read_manifest(text, name="m.yaml")
    return str(caught.value).split("\n")


def test_read_manifest__smallest__fills_in_the_defaults():
    manifest = read_manifest(TEXT, name="m.yaml")
    assert manifest.columns.unit is None
    assert manifest.columns.unit_kind is UnitKind.VISITOR
    (outcome,) = manifest.outcomes
    assert (outcome.kind, outcome.role, outcome.direction) == (
        OutcomeKind.BINARY,
        MetricRole.DECISION,
        Direction.INCREASE,
    )
    assert outcome.missing is Missing.QUARANTINE
    assert manifest.tolerated_bad_share == 0.05


def test_read_manifest__plain_scalars__are_read_as_in_yaml_1_2():
    """YAML 1.1 would turn no into false and 007 into 7, and rows with these texts would be lost."""
    manifest = read_manifest(TEXT, name="m.yaml")
    assert manifest.control.recorded_values == ("no",)
    assert manifest.variants[1].recorded_values == ("007", "1.0", "12")


def test_read_manifest__no_recorded_values__the_key_is_the_value():
    manifest = read_manifest(TEXT.replace(", recorded: [no]", ""), name="m.yaml")
    assert manifest.control.recorded_values == ("control",)
    assert manifest.control.shown_values == ("control",)


@pytest.mark.parametrize(
    ("changed", "into", "expected"),
    [
        ("schema: 1", "schema: 2", "m.yaml:1:1: schema: 2 is out of bounds"),
        ("project: shop", "project: My Shop", 'm.yaml:2:1: project: "My Shop" is not a key'),
        ("project: shop", "project: [shop", "m.yaml:3:11: is not YAML: expected ',' or ']', but got ':'"),
        ("  name: Button\n", "", "m.yaml:3:1: experiment: name is missing"),
        ("  name: Button\n", "  name:\n", "m.yaml:5:3: experiment.name: nothing is not a text"),
        ("source: rows", "source: row", 'm.yaml:7:1: source: "row" is not known'),
        ("  variant: arm", "  variants: arm", "m.yaml:9:3: columns.variants: is not a known name"),
        ("kind: binary", "kind: boolean", 'm.yaml:14:24: outcomes[0].kind: "boolean" is not known'),
        ("role: DECISION", "role: 1", "m.yaml:14:57: outcomes[0].role: 1 is not known"),
        ("control: true", "control: yes", 'm.yaml:11:20: variants[0].control: "yes" is not true or false'),
        ('"1.0"', "1.0", "m.yaml:12:38: variants[1].recorded[1]: 1.0 does not fit"),
        ("source: rows", "source: rows\nsource: rows", "m.yaml:8:1: source: is there twice"),
        ("project: shop", 'project: "a\\0"', "m.yaml:2:10: project: contains a control character"),
        ("name: Button", "name: |\n    a\n    b", "m.yaml:5:9: experiment.name: runs over several lines"),
        ("project: shop", "project: &a shop\ncsv: *a", "m.yaml:3:6: refers to an anchor"),
    ],
)
def test_read_manifest__fault__is_named_with_line_and_column(changed: str, into: str, expected: str):
    assert changed in TEXT
    lines = faults_of(TEXT.replace(changed, into))
    assert expected in lines
    fix = lines[lines.index(expected) + 1]
    assert fix.startswith("  fix: ")
    assert fix.endswith((".", "?"))


def test_read_manifest__several_faults__are_listed_at_once_in_the_order_of_lines():
    text = (
        TEXT.replace("project: shop", "project: S").replace("kind: binary", "kind: b").replace("schema: 1", "schema: 3")
    )
    assert [line.split(": ")[0] for line in faults_of(text) if line.startswith("m.yaml")] == [
        "m.yaml:1:1",
        "m.yaml:2:1",
        "m.yaml:14:24",
    ]


def test_read_manifest__misspelt_name__offers_the_right_one():
    lines = faults_of(TEXT.replace("outcomes:", "outcome:"))
    assert "  fix: did you mean outcomes?" in lines
    assert "m.yaml:1:1: outcomes is missing" in lines


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "the manifest is empty"),
        ("- 1", "[1] is not a mapping of names to values"),
        ("a: [" + "[" * 60 + "]" * 60 + "]", "is nested too deeply"),
        ("a: " + "[" * 5000, "is not YAML"),
        ("a: \x01", "is not YAML"),
        ("x" * (LONGEST_MANIFEST + 1), "the file is too long"),
        ("? [a]\n: b", "has a name that is not a text"),
    ],
)
def test_read_manifest__not_a_manifest__is_refused(text: str, expected: str):
    assert expected in faults_of(text)[0]


def test_canonical_json__comments_order_and_written_defaults__change_nothing():
    lines = TEXT.splitlines(keepends=True)
    reordered = "".join([lines[1], "# a comment\n", lines[0], *lines[2:], "adjust: arms\nmoney_unit: 1\n"])
    assert read_manifest(reordered, name="a").canonical_json() == read_manifest(TEXT, name="b").canonical_json()


def test_canonical_json__defaults__are_left_out():
    """So that a manifest keeps its fingerprint when a later version knows more names."""
    assert read_manifest(TEXT, name="m").canonical_json().decode() == (
        '{"columns":{"variant":"arm"},'
        '"experiment":{"hypothesis":"Blue is seen sooner.","key":"button","name":"Button"},'
        '"outcomes":[{"column":"converted","kind":"binary","name":"conversion","role":"DECISION"}],"project":"shop",'
        '"schema":1,"source":"rows","variants":[{"control":true,"key":"control","recorded":["no"]},'
        '{"key":"treatment","recorded":["007","1.0",12]}]}'
    )


def test_canonical_json__another_role__differs():
    other = [
        {"name": "conversion", "kind": "binary", "column": "converted", "role": "DECISION", "direction": "DECREASE"}
    ]
    assert make_manifest(outcomes=other).canonical_json() != make_manifest().canonical_json()


def test_parts__of_each_kind__name_the_columns_in_order():
    manifest = full_manifest()
    assert [[part.column for part in outcome.parts] for outcome in manifest.outcomes] == [
        ["converted"],
        ["orders"],
        ["revenue"],
        ["revenue", "orders"],
    ]


def test_manifest_text__of_the_material__is_valid():
    assert read_manifest(manifest_text(), name="m.yaml").project == "shop"
