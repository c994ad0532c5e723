"""bin/manage calibrate: lines, files, and an exit code that says whether targets are missed."""

import json

import pytest
from django.core.management import CommandError, call_command

QUICK = {"study": ["winners-curse"], "replicates": 200, "processes": 1}


def test_calibrate__one_study__writes_what_was_asked_for(tmp_path, capsys):
    call_command("calibrate", **QUICK, json=tmp_path / "out.json", output=tmp_path / "out.md")
    plain = json.loads((tmp_path / "out.json").read_text())
    assert [study["name"] for study in plain["studies"]] == ["winners-curse"]
    assert (tmp_path / "out.md").read_text().startswith("# How often the engine errs\n")
    assert "winners-curse" in capsys.readouterr().out


def test_calibrate__an_unknown_study__says_which_there_are(tmp_path):
    with pytest.raises(CommandError, match="CALIBRATION_INVALID"):
        call_command("calibrate", study=["nothing"], json=tmp_path / "out.json")
    assert not (tmp_path / "out.json").exists()


def test_calibrate__list__names_the_studies_and_runs_none(capsys):
    call_command("calibrate", list=True)
    printed = capsys.readouterr().out
    assert "many-looks" in printed
    assert "targets met" not in printed


def test_calibrate__a_missed_target__fails_unless_it_is_explained(tmp_path):
    asked = {"study": ["bandit-inference"], "replicates": 400, "processes": 1}
    with pytest.raises(CommandError, match="regret"):
        call_command("calibrate", **asked)
    call_command("calibrate", **asked, allow_explained=True)


def test_calibrate__another_document__runs_its_studies_under_its_own_title(tmp_path, capsys):
    asked = {"document": "interference", "study": ["price-carry-over"], "replicates": 3, "processes": 1}
    call_command("calibrate", **asked, output=tmp_path / "out.md")
    page = (tmp_path / "out.md").read_text()
    assert page.startswith("# Price and restock tests: what each design finds\n")
    assert "bin/manage calibrate --document interference --replicates 3 --seed 20260105" in page
    assert "seconds on 1 process;" in page
    assert "carry-over of 7 days, burn-in 7" in page
    assert "price-carry-over" in capsys.readouterr().out


def test_calibrate__a_study_of_another_document__is_unknown():
    with pytest.raises(CommandError, match="price-carry-over is none of"):
        call_command("calibrate", study=["price-carry-over"])
