"""docs/import.md names every reason and every error that an analyst can meet."""

import pytest

from experiments.actions.import_design import MetricTaken
from experiments.actions.imports import RecordedDifferently
from experiments.recorded.coarser import RowsNotRandomised
from experiments.recorded.faults import ManifestInvalid
from experiments.recorded.files import DataInvalid
from experiments.recorded.problems import TooManyBadRows, VariantEmpty
from experiments.recorded.reasons import TOLD, RowFault
from experiments.recorded.recording import NothingRecorded
from foundation.queries import ProjectUnknown
from tests.architecture.source import PROJECT

TEXT = (PROJECT / "docs" / "import.md").read_text()
ERRORS = (
    ManifestInvalid,
    ProjectUnknown,
    DataInvalid,
    TooManyBadRows,
    VariantEmpty,
    NothingRecorded,
    RowsNotRandomised,
    RecordedDifferently,
    MetricTaken,
)


@pytest.mark.parametrize("fault", RowFault)
def test_reasons__each__has_a_meaning_a_fix_and_a_line_in_the_documentation(fault: RowFault):
    assert TOLD[fault].meaning
    assert TOLD[fault].fix.endswith(".")
    assert f"| `{fault}` |" in TEXT


@pytest.mark.parametrize("error", ERRORS)
def test_errors__each__has_a_hint_and_a_line_in_the_documentation(error):
    assert error.hint
    assert f"| `{error.code}` |" in TEXT


def test_examples__named_in_the_documentation__are_all_there_are():
    for path in (PROJECT / "docs" / "examples").glob("*.yaml"):
        assert f"examples/{path.name}" in TEXT
