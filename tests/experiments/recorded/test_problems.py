from pathlib import Path

import pytest

from experiments.recorded.files import DataInvalid
from experiments.recorded.problems import TooManyBadRows, VariantEmpty
from experiments.recorded.recording import NothingRecorded
from experiments.recorded.units import unit_rows
from tests.experiments.recorded.material import PLAIN, make_manifest, recording_of, write_csv

GOOD = [f"u{index},{'ab'[index % 2]},,,{index % 2},,,," for index in range(40)]


def refusal(manifest, *paths: Path) -> DataInvalid:
    with pytest.raises(DataInvalid) as caught, recording_of(manifest, *paths) as recording:
        recording.units(recording.parts[0])
    return caught.value


def test_refuse_bad_data__more_than_the_tolerated_share__names_reason_line_column_value_and_fix(tmp_path: Path):
    error = refusal(make_manifest(), write_csv(tmp_path, *GOOD, "x1,a,,,yes,,,,", "x2,c,,,0,,,,", "x3,a,,,no,,,,"))
    assert isinstance(error, TooManyBadRows)
    assert error.message.split("\n") == [
        "button: 3 of 43 rows are bad (7.0%); 5.0% are tolerated.",
        "  NOT_BINARY: 2 rows; the value is neither 0 nor 1.",
        "    data.csv, line 42, column converted: 'yes'",
        "    data.csv, line 44, column converted: 'no'",
        "    fix: Correct the export, or list the text under null_tokens if it means that nothing is known.",
        "  UNKNOWN_VARIANT: 1 rows; the variant is none of the manifest's.",
        "    data.csv, line 43, column arm: 'c'",
        "    fix: Add the value to a variant's recorded values, or add the variant.",
    ]


def test_refuse_bad_data__exactly_the_tolerated_share__is_accepted(tmp_path: Path):
    path = write_csv(tmp_path, *GOOD[:38], "x1,a,,,yes,,,,", "x2,c,,,0,,,,")
    with recording_of(make_manifest(), path) as recording:
        found, _ = recording.units(recording.parts[0])
    assert (found.counts.bad, found.counts.rows_read) == (2, 40)


def test_refuse_bad_data__header_only__is_refused(tmp_path: Path):
    assert "there are no rows" in refusal(make_manifest(), write_csv(tmp_path)).message


def test_refuse_bad_data__variant_without_units__is_refused_with_the_numbers(tmp_path: Path):
    error = refusal(make_manifest(), write_csv(tmp_path, "u1,a,,,1,,,,"))
    assert isinstance(error, VariantEmpty)
    assert error.message == "button: the variant treatment has no units; units by variant: control 1, treatment 0."


def test_bad_rows__line_with_other_columns__is_quarantined_and_later_lines_are_counted_right(tmp_path: Path):
    path = write_csv(tmp_path, GOOD[0], "one,two", *GOOD[1:], "x1,a,,,yes,,,,")
    with recording_of(make_manifest(tolerated_bad_share=0.1), path) as recording:
        found, examples = recording.units(recording.parts[0])
    assert found.counts.quarantined == {"MALFORMED_LINE": 1, "NOT_BINARY": 1}
    assert found.counts.add_up
    assert [(example.reason, example.row, example.line) for example in examples] == [
        ("NOT_BINARY", 41, 43),
        ("MALFORMED_LINE", 0, 3),
    ]


def test_bad_rows__values_with_line_breaks__give_rows_not_wrong_lines(tmp_path: Path):
    manifest = make_manifest(tolerated_bad_share=0.1)
    path = write_csv(tmp_path, *GOOD, 'x1,a,,,1,,,,"two\nlines"', "x2,a,,,yes,,,,")
    with recording_of(manifest, path) as recording:
        _, (example,) = recording.units(recording.parts[0])
    assert (example.row, example.line, example.place) == (42, None, "data.csv, row 42, column converted")


def test_load__quote_that_is_never_closed__is_refused_with_its_line(tmp_path: Path):
    """Such a quote swallows the rest of the file, which must not look like a small experiment."""
    error = refusal(make_manifest(), write_csv(tmp_path, *GOOD[:5], 'x1,a,,,1,,,,"open', *GOOD[5:]))
    assert error.message.startswith("data.csv, line 7: a quote is opened here")


def test_load__bytes_that_are_not_utf_8__are_quarantined_lines(tmp_path: Path):
    path = write_csv(tmp_path, *GOOD)
    path.write_bytes(path.read_bytes() + b"x1,a,,,1,,,,\xff\n")
    with recording_of(make_manifest(dimensions=["country"]), path) as recording:
        found, _ = recording.units(recording.parts[0])
    assert found.counts.quarantined == {"MALFORMED_LINE": 1}


def test_load__latin_1_declared__is_read(tmp_path: Path):
    path = write_csv(tmp_path)
    path.write_bytes(path.read_bytes() + "ü1,a,,,1,,,,\nü2,b,,,1,,,,\n".encode("latin-1"))
    manifest = make_manifest(csv={"encoding": "latin-1"}, columns={"unit": "id", "variant": "arm", "unit_kind": "item"})
    with recording_of(manifest, path) as recording:
        found, _ = recording.units(recording.parts[0])
        assert {row.unit for row in unit_rows(found, hash_unit=str, hash_cluster=str)} == {"ü1", "ü2"}


def test_load__semicolons_and_no_quotes_declared__are_read(tmp_path: Path):
    path = write_csv(tmp_path, 'u"1;a;1', "u2;b;0", header="id;arm;converted")
    with recording_of(make_manifest(csv={"delimiter": ";", "quote": ""}), path) as recording:
        found, _ = recording.units(recording.parts[0])
    assert found.units == {"control": 1, "treatment": 1}


def test_load__time_format_that_cannot_be__is_refused(tmp_path: Path):
    manifest = make_manifest(columns={"unit": "id", "variant": "arm", "time": "at", "time_format": "%Q"})
    error = refusal(manifest, write_csv(tmp_path, *GOOD))
    assert error.message.startswith("columns.time_format '%Q' cannot be used")


def test_examine_files__same_name_twice__is_refused(tmp_path: Path):
    path = write_csv(tmp_path, *GOOD)
    assert "same name" in refusal(make_manifest(), path, path).message


MANY = {
    "columns": {"unit": "id", "variant": "arm", "experiment": "country"},
    "experiment": {**PLAIN["experiment"], "key": "e-{experiment}", "name": "Test {experiment}"},
}
MIXED = [f"u{index},{'ab'[index % 2]},,,{index % 2},,,,{'AB'[index // 20]} 1" for index in range(40)]


def test_parts__every_experiment_of_a_file__has_key_name_and_its_own_rows(tmp_path: Path):
    path = write_csv(tmp_path, *MIXED, "x1,a,,,yes,,,,A 1")
    with recording_of(make_manifest(**MANY), path) as recording:
        assert [(part.key, part.name, part.value) for part in recording.parts] == [
            ("e-a-1", "Test A 1", "A 1"),
            ("e-b-1", "Test B 1", "B 1"),
        ]
        counts = [recording.units(part)[0].counts for part in recording.parts]
    assert [(found.rows_read, found.rows_kept, found.bad) for found in counts] == [(21, 20, 1), (20, 20, 0)]


def test_parts__one_experiment_of_a_file__is_taken_alone(tmp_path: Path):
    manifest = make_manifest(columns=MANY["columns"], experiment={**PLAIN["experiment"], "recorded": "B 1"})
    with recording_of(manifest, write_csv(tmp_path, *MIXED)) as recording:
        (part,) = recording.parts
        found, _ = recording.units(part)
    assert (part.key, found.counts.rows_read) == ("button", 20)


def test_parts__experiment_that_is_not_there__is_refused_with_what_is(tmp_path: Path):
    manifest = make_manifest(columns=MANY["columns"], experiment={**PLAIN["experiment"], "recorded": "C"})
    error = refusal(manifest, write_csv(tmp_path, *MIXED))
    assert isinstance(error, NothingRecorded)
    assert error.message == "Column country never holds 'C'; it holds 'A 1', 'B 1'."


def test_parts__values_that_give_one_key__are_refused(tmp_path: Path):
    error = refusal(make_manifest(**MANY), write_csv(tmp_path, *MIXED, "u99,a,,,1,,,,a-1"))
    assert "give the key 'e-a-1'" in error.message


def test_refuse_bad_file__rows_of_no_experiment__are_refused_when_too_many(tmp_path: Path):
    error = refusal(make_manifest(**MANY), write_csv(tmp_path, *MIXED, *["x,a,,,1,,,,"] * 4))
    assert error.message.startswith("the whole data: 4 of 44 rows are bad (9.1%)")
