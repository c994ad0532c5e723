"""Units on the list of a filter, from a file."""

import pytest
from django.core.management import CommandError, call_command

from experiments.models import FilteredUnit
from tests.fixtures.messages import unit_of
from tests.fixtures.records import make_project

pytestmark = pytest.mark.django_db


def test_filter_units__file_with_a_heading__is_listed_once_however_often_it_is_run(tmp_path, capsys):
    project_id = make_project()
    path = tmp_path / "staff.csv"
    path.write_text("\ufeffunit,note\nv1,first\n\nv2,\n" + "".join(f"w{index}\n" for index in range(2500)), "utf-8")
    call_command("filter_units", "staff", str(path))
    call_command("filter_units", "staff", str(path), project="shop")
    assert capsys.readouterr().out == (
        "2502 new on the list, 0 on it already.\n0 new on the list, 2502 on it already.\n"
    )
    assert FilteredUnit.objects.filter(unit__in=[unit_of(project_id, "v1"), unit_of(project_id, "v2")]).count() == 2
    assert FilteredUnit.objects.count() == 2502


def test_filter_units__bad_line_late_in_the_file__lists_nothing(tmp_path):
    make_project()
    path = tmp_path / "staff.csv"
    path.write_text("".join(f"w{index}\n" for index in range(1500)) + "x" * 20_000 + "\n")
    with pytest.raises(CommandError, match="too long"):
        call_command("filter_units", "staff", str(path))
    assert not FilteredUnit.objects.exists()


@pytest.mark.parametrize("content", [None, b"\xff\xfe\x00"])
def test_filter_units__unreadable_file__is_told(tmp_path, content):
    make_project()
    path = tmp_path / "staff.csv"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(CommandError, match="cannot be read"):
        call_command("filter_units", "staff", str(path))


def test_filter_units__several_projects__asks_which(tmp_path):
    make_project()
    make_project(key="other")
    path = tmp_path / "staff.csv"
    path.write_text("v1\n")
    with pytest.raises(CommandError, match="Name the project"):
        call_command("filter_units", "staff", str(path))
    call_command("filter_units", "staff", str(path), project="other")
    assert FilteredUnit.objects.count() == 1
