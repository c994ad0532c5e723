"""bin/manage evaluate: what it refuses, and one whole quick evaluation where the data is."""

from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command


def evaluate(*arguments: str, **options: object) -> str:
    out = StringIO()
    call_command("evaluate", *arguments, stdout=out, stderr=StringIO(), **options)
    return out.getvalue()


def test_evaluate__no_folder__says_how_to_name_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("TILTYARD_REAL_DATA", raising=False)
    for arguments in ((), ("--data", str(tmp_path / "missing"))):
        with pytest.raises(CommandError, match="--data, or in TILTYARD_REAL_DATA"):
            evaluate("recommendation", *arguments)


def test_evaluate__an_unknown_domain__is_refused(tmp_path: Path):
    with pytest.raises(CommandError, match="DOMAIN_UNKNOWN"):
        evaluate("astrology", "--data", str(tmp_path))


def test_evaluate__a_file_that_is_not_there__is_named_and_nothing_is_written(tmp_path: Path):
    target = tmp_path / "models.md"
    target.write_text("as it was")
    with pytest.raises(CommandError, match=r"RECORDED_DATA_MISSING\nonline_retail\.parquet"):
        evaluate("recommendation", "--data", str(tmp_path), "--write", str(target))
    assert target.read_text() == "as it was"


def test_evaluate__a_quick_one__is_never_written(tmp_path: Path):
    target = tmp_path / "models.md"
    with pytest.raises(CommandError, match="A quick evaluation is not written"):
        evaluate("recommendation", "--data", str(tmp_path), "--quick", "--write", str(target))
    assert not target.exists()


@pytest.mark.nightly
def test_evaluate__recommendation__tells_figures_of_both_logs(real_data: Path):
    pytest.importorskip("keras", reason="networks are trained with TensorFlow, which is not installed")
    text = evaluate("recommendation", "--data", str(real_data), "--quick")
    assert text.startswith("## Recommendation\n")
    for title in ("Online Retail: figures", "MSWeb: figures", "Online Retail: items that nobody had met"):
        assert f"### {title}" in text
    for recipe in ("popularity", "item_item", "ease", "factors", "ranking_network", "two_tower"):
        assert f"| `{recipe}` | 0." in text
    assert "Made by `bin/manage evaluate recommendation" in text
