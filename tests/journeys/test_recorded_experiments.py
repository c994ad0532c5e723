"""Two real experiments that others recorded, from their files to the verdict that is known to be right.

Their folder is named by TILTYARD_REAL_DATA; docs/setup.md says where the files come from.
"""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from experiments.models import Experiment, ExternalUnit
from foundation.models import Project
from tests.architecture.source import PROJECT
from tests.experiments.recorded.material import manifest_text, write_csv
from tests.fixtures.recorded import rows_of_every_table
from tests.fixtures.records import make_project

EXAMPLES = PROJECT / "docs" / "examples"
TOLERANCE = 0.002

pytestmark = pytest.mark.slow


def run_import(capsys: pytest.CaptureFixture[str], manifest: str, *data: Path) -> dict[str, Any]:
    """Import an example and return the JSON that the command prints on standard output."""
    call_command("import_experiment", str(EXAMPLES / f"{manifest}.yaml"), *map(str, data), "--json")
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def comparison(scorecard: dict[str, Any], metric: str, variant: str) -> dict[str, Any]:
    (found,) = [c for c in scorecard["comparisons"] if (c["metric"], c["variant"]) == (metric, variant)]
    return found


def reasons(result: dict[str, Any], code: str) -> list[dict[str, Any]]:
    return [reason["params"] for reason in result["verdict"]["reasons"] if reason["code"] == code]


@pytest.mark.realdata
@pytest.mark.django_db
def test_hillstrom__three_arms__ships_mens_email_and_claims_no_revenue_win_over_womens(real_data: Path, capsys):
    make_project(key="examples")
    result = run_import(capsys, "hillstrom-email", real_data / "ab" / "hillstrom_email.csv.gz")
    card = result["scorecard"]

    assert {found["variant"]: found["units"] for found in card["variants"]} == {
        "no-email": 21_306,
        "mens-email": 21_307,
        "womens-email": 21_387,
    }
    (ratio,) = [check for check in card["checks"] if check["code"] == "SAMPLE_RATIO"]
    assert ratio["outcome"] == "PASSED"
    assert ratio["figures"]["p"] == pytest.approx(0.9037, abs=0.0005)

    visit = comparison(card, "visit", "mens-email")["absolute"]
    assert visit["value"] * 100 == pytest.approx(7.659, abs=TOLERANCE)
    assert visit["interval"]["lower"] * 100 == pytest.approx(6.995, abs=TOLERANCE)
    assert visit["interval"]["upper"] * 100 == pytest.approx(8.323, abs=TOLERANCE)
    spend = comparison(card, "spend", "mens-email")["absolute"]
    assert spend["value"] == pytest.approx(0.770, abs=TOLERANCE)
    assert spend["interval"]["lower"] == pytest.approx(0.485, abs=TOLERANCE)
    assert spend["interval"]["upper"] == pytest.approx(1.055, abs=TOLERANCE)

    assert (result["verdict"]["state"], result["verdict"]["winner"]) == ("SHIP", "mens-email")
    separated = [(params["variant"], params["metric"]) for params in reasons(result, "ARMS_SEPARATED")]
    assert ("mens-email", "spend") not in separated
    assert [
        (params["variant"], params["other"], params["metric"]) for params in reasons(result, "ARMS_NOT_SEPARATED")
    ] == [("mens-email", "womens-email", "spend")]


@pytest.mark.realdata
@pytest.mark.django_db
def test_landing_page__mismatches_and_a_repeated_user__are_dropped_and_the_page_is_not_shipped(real_data: Path, capsys):
    make_project(key="examples")
    data = real_data / "ab" / "landing_page_ab_data.csv.gz"
    result = run_import(capsys, "landing-page", data)
    card = result["scorecard"]

    assert {found["variant"]: found["units"] for found in card["variants"]} == {
        "control": 145_274,
        "treatment": 145_310,
    }
    assert (card["exclusions"]["mismatched_rows"], card["exclusions"]["duplicates"]) == (3_893, 1)
    (mismatch,) = [check for check in card["checks"] if check["code"] == "EXPOSURE_MISMATCH"]
    assert (mismatch["level"], mismatch["outcome"]) == ("WARN", "FAILED")
    warned = [params["check"] for params in reasons(result, "CHECK_WARNS")]
    assert "EXPOSURE_MISMATCH" in warned

    conversion = comparison(card, "conversion", "treatment")["absolute"]
    assert conversion["value"] * 100 == pytest.approx(-0.158, abs=TOLERANCE)
    assert conversion["interval"]["lower"] * 100 == pytest.approx(-0.394, abs=TOLERANCE)
    assert conversion["interval"]["upper"] * 100 == pytest.approx(0.078, abs=TOLERANCE)

    assert (result["verdict"]["state"], result["verdict"]["winner"]) == ("INCONCLUSIVE", None)
    assert [(params["variant"], params["metric"]) for params in reasons(result, "NOT_SUPERIOR")] == [
        ("treatment", "conversion")
    ]

    call_command("import_experiment", str(EXAMPLES / "landing-page.yaml"), str(data))
    told = capsys.readouterr().out
    assert "was imported before from the same data" in told
    assert "Dropped: 3,893 rows in which another variant was shown than assigned." in told
    assert "Dropped: 1 repeated rows of a unit, of which the first counts." in told
    assert "“New page” was not shown to be better on Conversion" in told
    assert "Readout: http" in told
    assert "/x/landing-page" in told


@pytest.mark.realdata
@pytest.mark.django_db
def test_free_trial__daily_totals_of_two_files__hold_back_a_screener_that_may_cost_payments(real_data: Path, capsys):
    make_project(key="examples")
    files = [real_data / "ab" / f"free_trial_screener_{name}.csv.gz" for name in ("control", "experiment")]
    result = run_import(capsys, "free-trial-screener", *files)
    card = result["scorecard"]
    assert {found["variant"]: found["units"] for found in card["variants"]} == {"control": 345_543, "screener": 344_660}
    gross = comparison(card, "gross-conversion", "screener")
    assert gross["absolute"]["value"] * 100 == pytest.approx(-2.0555, abs=0.0001)
    assert gross["p_value"] == pytest.approx(2.6e-6, rel=0.01)
    net = comparison(card, "net-conversion", "screener")["absolute"]
    assert net["interval"]["lower"] * 100 == pytest.approx(-1.160, abs=TOLERANCE)
    assert result["verdict"]["state"] == "INCONCLUSIVE"
    assert [params["metric"] for params in reasons(result, "GUARDRAIL_NOT_SHOWN")] == ["net-conversion"]


@pytest.mark.realdata
@pytest.mark.django_db
def test_fashion_experiments__all_44_of_a_file__find_the_largest_effect_and_distrust_five(real_data: Path, capsys):
    make_project(key="examples")
    call_command(
        "import_experiment",
        str(EXAMPLES / "fashion-experiments.yaml"),
        str(real_data / "ab" / "asos_experiments_part0.csv.gz"),
        "--json",
    )
    results = json.loads(capsys.readouterr().out)
    assert len(results) == 44
    states = [result["verdict"]["state"] for result in results]
    assert states.count("INVALID") == 5
    (largest,) = [result for result in results if result["experiment"] == "asos-2c8a04"]
    found = comparison(largest["scorecard"], "asos-metric-1", "treatment-1")
    assert found["control"]["value"] == pytest.approx(0.063010, abs=1e-6)
    assert found["treatment"]["value"] == pytest.approx(0.064235, abs=1e-6)
    assert found["absolute"]["value"] / found["absolute"]["se"] == pytest.approx(28.58, abs=0.01)


@pytest.mark.django_db
def test_import_experiment__bad_manifest_and_bad_data__say_what_to_do_and_change_nothing(tmp_path: Path, capsys):
    make_project()
    before = rows_of_every_table()
    manifest, data = tmp_path / "m.yaml", write_csv(tmp_path, "u1,a,,,yes,,,,", "u2,b,,,0,,,,")
    manifest.write_text(manifest_text(source="row"))
    with pytest.raises(CommandError, match=r'm\.yaml:\d+:1: source: "row" is not known\n  fix: did you mean rows\?'):
        call_command("import_experiment", str(manifest), str(data))
    manifest.write_text(manifest_text())
    with pytest.raises(CommandError, match=r"data\.csv, line 2, column converted: 'yes'\n    fix: "):
        call_command("import_experiment", str(manifest), str(data))
    with pytest.raises(CommandError, match=r"none\.csv: cannot be opened"):
        call_command("import_experiment", str(manifest), str(tmp_path / "none.csv"))
    with pytest.raises(CommandError, match=r"none\.yaml: cannot be opened"):
        call_command("import_experiment", str(tmp_path / "none.yaml"), str(data))
    assert rows_of_every_table() == before
    assert capsys.readouterr().out == ""


def test_import_experiment__killed_while_writing__leaves_nothing_and_can_be_repeated(
    tmp_path: Path, database_url: str, capsys
):
    make_project()
    before = rows_of_every_table()
    manifest = tmp_path / "m.yaml"
    manifest.write_text(manifest_text())
    data = write_csv(tmp_path, *(f"u{index},{'ab'[index % 2]},,,{index % 3 % 2},,,," for index in range(100_000)))
    arguments = ["import_experiment", str(manifest), str(data)]
    environment = {**os.environ, "DATABASE_URL": database_url}
    process = subprocess.Popen(
        [sys.executable, "manage.py", *arguments], cwd=PROJECT, env=environment, stderr=subprocess.PIPE, text=True
    )
    assert process.stderr is not None
    while "writing 100000 of 100000 rows" not in (line := process.stderr.readline()):
        assert line, "ended before it wrote"
    time.sleep(0.5)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert process.returncode == -signal.SIGKILL
    assert rows_of_every_table() == before

    call_command(*arguments)
    assert "100,000 rows read, 100,000 kept." in capsys.readouterr().out
    assert ExternalUnit.objects.count() == 100_000
    assert Experiment.objects.get().project == Project.objects.get()
    assert list((Path(os.environ["TILTYARD_STATE_DIR"]) / "imports").iterdir()) == []
