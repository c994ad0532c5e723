import re
from pathlib import Path

from experiments.statistics.results import UndefinedReason

DOCUMENT = Path(__file__).resolve().parents[3] / "docs" / "statistics.md"


def test_undefined_reason__every_one__is_documented_once_with_what_to_do():
    _, _, after = DOCUMENT.read_text(encoding="utf-8").partition("## When a figure does not exist\n")
    section, _, _ = after.partition("\n## ")
    rows = re.findall(r"^\| `([A-Z_]+)` \| (.+) \| (.+) \|$", section, flags=re.MULTILINE)
    assert [reason for reason, _, _ in rows] == [reason.value for reason in UndefinedReason]
