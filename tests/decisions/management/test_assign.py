"""`bin/manage assign`: from the published bundle, or a downloaded one, to a file."""

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from decisions.models import EventLog, PublishedBundle
from experiments.assignment.engine import assign
from tests.decisions.published import companion, published
from tests.experiments.assignment.builders import AT, compiled, content, experiment
from tests.fixtures.records import make_project

pytestmark = pytest.mark.django_db

SHARED = ("--unit", "visitor", "--id-column", "id", "--at", "2026-06-01T00:00:00Z")


def units(folder: Path, text: str = "id,country\na,DE\nb,CN\na,DE\n") -> str:
    path = folder / "units.csv"
    path.write_text(text)
    return str(path)


def bundle_file(folder: Path, *experiments: dict[str, Any]) -> str:
    path = folder / "bundle.json"
    path.write_text(json.dumps(content(*experiments)))
    return str(path)


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as lines:
        return list(csv.DictReader(lines))


def test_assign__published_bundle__writes_the_variants_and_says_how_many(tmp_path: Path, capsys: Any) -> None:
    project_id = make_project()
    german = experiment(1, audience={"attribute": "country", "op": "eq", "value": "DE"})
    bundle = content(german, version=7) | {"project": {"id": project_id, "key": "shop"}}
    text = published(bundle, companion(project_id=project_id))
    PublishedBundle.objects.create(
        project_id=project_id, version=7, sha256=text.sha256, content=text.content, companion=text.companion
    )
    output = tmp_path / "out.csv"
    call_command("assign", units(tmp_path), *SHARED, "--attributes", "country", "--output", str(output))

    (first,) = assign({"visitor": "a"}, {"country": "DE"}, AT, None, compiled(german), keys=["experiment-1"])
    found = rows_of(output)
    assert [row["id"] for row in found] == ["a", "b", "a"]
    assert [row["experiment-1.variant"] for row in found] == [first.variant, "control", first.variant]
    said = capsys.readouterr()
    assert said.out.splitlines() == [
        f"3 rows, bundle 7 at 2026-06-01 00:00:00+00:00: {output}",
        *sorted(
            [
                "  experiment-1  control  AUDIENCE  1  not enrolled",
                f"  experiment-1  {first.variant}  SPLIT  2",
            ]
        ),
    ]
    assert "1 row repeats the id" in said.err
    assert not EventLog.objects.filter(project_id=project_id).exists()


def test_assign__downloaded_bundle__needs_no_project(tmp_path: Path, capsys: Any) -> None:
    output, exposures = tmp_path / "out.csv", tmp_path / "exposures.jsonl"
    call_command(
        "assign",
        units(tmp_path),
        *SHARED,
        "--bundle",
        bundle_file(tmp_path, experiment(1), experiment(2, sticky=True)),
        "--sticky",
        "experiment-2=country",
        "--experiments",
        "experiment-1, experiment-2",
        "--output",
        str(output),
        "--exposures",
        str(exposures),
    )

    assert {row["experiment-1.reason"] for row in rows_of(output)} == {"SPLIT"}
    assert "exposures in" in capsys.readouterr().out
    assert len(json.loads(exposures.read_text())["batch"]) == 6


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--at", "yesterday"], "no ISO 8601 time"),
        (["--at", "2026-06-01T00:00:00"], "with a zone"),
        (["--sticky", "experiment-1"], "KEY=COLUMN"),
        (["--attributes", "country:colour"], "is not an attribute"),
        (["--experiments", "gone"], "not in the bundle"),
        (["--bundle", "nowhere.json"], "cannot be read"),
        (["--bundle", "units.csv"], "is not JSON"),
        (["--id-column", "country_code"], "no column 'country_code'"),
    ],
)
def test_assign__bad_options__are_told_and_write_nothing(
    options: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    table, bundle = units(tmp_path), bundle_file(tmp_path, experiment(1))
    with pytest.raises(CommandError, match=said):
        call_command("assign", table, *SHARED, "--bundle", bundle, "--output", "out.csv", *options)
    assert not (tmp_path / "out.csv").exists()


def test_assign__nothing_published__is_told(tmp_path: Path) -> None:
    make_project()
    with pytest.raises(CommandError, match="Nothing has been published"):
        call_command("assign", units(tmp_path), *SHARED, "--output", str(tmp_path / "out.csv"))
    make_project(key="other")
    with pytest.raises(CommandError, match="Name the project"):
        call_command("assign", units(tmp_path), *SHARED, "--output", str(tmp_path / "out.csv"))
