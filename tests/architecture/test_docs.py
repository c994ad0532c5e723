"""What the documentation says is there: links, commands, paths, codes and environment variables."""

import re
from collections.abc import Iterator
from enum import StrEnum
from functools import cache
from pathlib import Path
from urllib.parse import unquote

import pytest

from config.environment import Environment
from decisions.actions import projection_sql
from decisions.ingest.properties import KEPT
from decisions.serving.decision_requests import ITEM_LISTS, DecisionRequest
from decisions.serving.settings import EdgeSettings, edge_settings
from decisions.vocabulary import DecisionReason, ExposureFault, Rejection, TokenFault
from experiments.actions import evidence
from experiments.analysis.checks import CHECKS
from experiments.vocabulary import Reason, Status, VerdictState
from tests.architecture.source import PROJECT, files_of_the_repository
from tests.config.edges import idle_edge

CODE_BLOCK = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
COMMAND = re.compile(r"(?<![\w./-])bin/([a-z]+)(?: +([a-z_]+))?")
QUOTED = re.compile(r"`([^`\n]+)`")
CODE = re.compile(r"[A-Z]+(?:_[A-Z]+)+|MALFORMED|SPLIT|STICKY|OVERRIDE|PREVIEW|HOLDOUT|AUDIENCE|COVERAGE|BLACKOUT")
SOURCE_PATH = re.compile(r"(?:[a-z_]+|\.ci)/[A-Za-z0-9_./-]+\.(?:py|ini|json|yaml|html)|[a-z_]+\.(?:py|ini)")


@cache
def pages() -> tuple[Path, ...]:
    """Return every Markdown file of the repository."""
    return tuple(path for path in files_of_the_repository() if path.suffix == ".md")


def text_of(name: str | Path) -> str:
    return (PROJECT / name).read_text()


def rows(text: str) -> Iterator[list[str]]:
    """Yield the cells of every table row."""
    for line in text.splitlines():
        if line.startswith("| ") and not set(line) <= set("|- "):
            yield [cell.strip() for cell in line.strip().strip("|").split("|")]


def codes_in_tables(text: str, *, column: int = 0) -> set[str]:
    """Return the codes that a column of the tables names in backticks."""
    found = (QUOTED.findall(cells[column]) for cells in rows(text) if len(cells) > column)
    return {code for codes in found for code in codes if CODE.fullmatch(code)}


def section(text: str, title: str) -> str:
    """Return the part of a page from a heading to the next one of its level or above."""
    heading = re.search(rf"^(#+) {re.escape(title)}$", text, re.MULTILINE)
    assert heading is not None, f"there is no heading {title}"
    rest = text[heading.end() :]
    following = re.search(rf"^#{{1,{len(heading[1])}}} ", rest, re.MULTILINE)
    return rest if following is None else rest[: following.start()]


def anchors(page: Path) -> set[str]:
    """Return the fragments that the headings of a page can be linked by."""
    titles = re.findall(r"^#+ (.+)$", CODE_BLOCK.sub("", text_of(page)), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def test_pages__that_newcomers_look_for__are_there():
    wanted = {"README.md", "CHANGELOG.md", *(f"docs/{name}.md" for name in ("setup", "events", "experiments", "map"))}
    assert wanted <= {str(page) for page in pages()}


@pytest.mark.parametrize("page", pages(), ids=str)
def test_links__of_every_page__lead_somewhere(page: Path):
    broken = []
    for target in LINK.findall(CODE_BLOCK.sub("", text_of(page))):
        if re.match(r"[a-z]+:", target):
            continue
        place, _, fragment = unquote(target).partition("#")
        leads_to = (PROJECT / page.parent / place).resolve() if place else PROJECT / page
        if not leads_to.exists() or not leads_to.is_relative_to(PROJECT):
            broken.append(target)
        elif fragment and fragment not in anchors(leads_to.relative_to(PROJECT)):
            broken.append(f"{target}: there is no such heading")
    assert broken == []


@pytest.mark.parametrize("page", pages(), ids=str)
def test_commands__of_every_page__exist(page: Path):
    commands = set(COMMAND.findall(text_of(page)))
    assert {name for name, _ in commands if not (PROJECT / "bin" / name).is_file()} == set()
    managed = {argument for name, argument in commands if name == "manage" and argument}
    ours = {path.stem for path in PROJECT.glob("*/management/commands/*.py")}
    djangos = {"migrate", "check", "changepassword", "createsuperuser", "collectstatic"}
    assert managed <= ours | djangos


@pytest.mark.parametrize("page", [page for page in pages() if page.parts[0] == "docs"], ids=str)
def test_source_paths__of_every_page__exist(page: Path):
    named = {name for name in QUOTED.findall(text_of(page)) if SOURCE_PATH.fullmatch(name)}
    assert {name for name in named if not (PROJECT / name).exists()} == set()


def test_validity_page__names_every_expert_test__under_all_fifteen_heads():
    text = text_of("docs/validity.md")
    expert = {f"tests/expert/{path.name}" for path in (PROJECT / "tests" / "expert").glob("test_*.py")}
    assert expert
    assert expert <= set(QUOTED.findall(text))
    assert [int(number) for number in re.findall(r"^## (\d+)\. ", text, re.MULTILINE)] == list(range(1, 16))


def test_adrs__are_numbered_without_gaps_and_tell_context_decision_consequences():
    found = sorted((PROJECT / "docs" / "adr").glob("*.md"))
    assert [int(path.name[:4]) for path in found] == list(range(1, len(found) + 1))
    for path in found:
        text = path.read_text()
        assert text.startswith(f"# {path.name[:4]}: "), path.name
        assert re.findall(r"^## (.+)$", text, re.MULTILINE) == ["Context", "Decision", "Consequences"], path.name
        assert len(text.splitlines()) <= 60, path.name


def values(*enums: type[StrEnum]) -> set[str]:
    return {entry.value for enum in enums for entry in enum}


def in_statements(*texts: str) -> set[str]:
    """Return the upper-case literals of SQL statements: there every one is a reason for the quarantine."""
    return {code for text in texts for code in re.findall(r"'([A-Z]+(?:_[A-Z]+)+)'", text)}


def test_events_page__reasons_of_assignments__are_those_of_the_engine():
    described = codes_in_tables(section(text_of("docs/events.md"), "1. Assign"))
    answered = values(Reason) - {Reason.BUNDLE_STALE, Reason.BUNDLE_MISSING}
    assert described == answered
    for reason in (Reason.BUNDLE_STALE, Reason.BUNDLE_MISSING):
        assert f"`{reason}`" in text_of("docs/events.md")


def test_events_page__reasons_of_decisions__are_those_of_the_edge_with_who_serves():
    described = [cells for cells in rows(section(text_of("docs/events.md"), "4. Decide")) if len(cells) == 3]
    served = {cells[0].strip("`"): cells[1] for cells in described if cells[0] != "reason of the decision"}
    assert served.keys() == values(DecisionReason)
    empty = {DecisionReason.CANDIDATES_EMPTY, DecisionReason.CATALOGUE_MISSING, DecisionReason.BUNDLE_MISSING}
    assert {reason for reason, who in served.items() if who == "nobody"} == empty


def test_events_page__members_of_a_request_for_a_decision__are_those_that_are_read():
    described = rows(section(text_of("docs/events.md"), "4. Decide"))
    told = {name for cells in described if len(cells) == 2 for name in QUOTED.findall(cells[0])}
    context = {f"context.{name}" for name in ITEM_LISTS}
    assert told == {*DecisionRequest.__struct_fields__} | context


def test_events_page__refusals_of_requests__are_those_of_the_edge(tmp_path: Path):
    described = section(text_of("docs/events.md"), "The request is refused")
    told = {(cells[0].strip("`"), cells[1]) for cells in rows(described) if cells[0].startswith("`")}
    assert told == {(error.code, str(status)) for error, status in idle_edge(tmp_path).statuses.items()}


def test_events_page__rejections_of_messages__are_those_of_ingest():
    assert codes_in_tables(section(text_of("docs/events.md"), "A message is rejected")) == values(Rejection)


def test_events_page__reasons_of_the_quarantine__are_those_of_projector_and_exposure():
    statements = [
        text
        for module in (projection_sql, evidence)
        for text in vars(module).values()
        if isinstance(text, str) and "SELECT" in text
    ]
    known = in_statements(*statements) | values(TokenFault, ExposureFault)
    assert len(known) > 20
    assert codes_in_tables(section(text_of("docs/events.md"), "A message is quarantined")) == known


def test_events_page__properties_kept__are_those_of_the_allow_list():
    stored = section(text_of("docs/events.md"), "What is stored, and what is dropped")
    listed = stored[stored.index("Kept without asking:") :]
    assert set(QUOTED.findall(listed)) == set(KEPT)


@pytest.mark.parametrize("page", ["docs/experiments.md", "docs/zh-hans/README.md"])
def test_guide__verdicts_and_checks__are_those_of_the_analysis(page: str):
    explained = {
        code for cells in rows(text_of(page)) for cell in cells[:2] for code in re.findall(r"`([A-Z_]+)`", cell)
    }
    assert explained == values(VerdictState) | {check.code for check in CHECKS}


def test_guide__statuses__are_those_of_the_lifecycle():
    told = [cells[0] for cells in rows(section(text_of("docs/experiments.md"), "3. What each status means"))][1:]
    assert [name.upper().replace(" ", "_") for name in told] == [status.value for status in Status]


def variables_checked_against(source: str) -> dict[str, str]:
    """Return the variables of the table below a note, with the defaults it gives."""
    text = text_of("docs/setup.md")
    table = text[text.index(f"<!-- checked against {source} -->") :].split("\n\n")[1]
    return {cells[0].strip("`"): cells[1].strip("`") for cells in list(rows(table))[1:]}


def written(default: object) -> str:
    """Return a default as one would write it into the environment."""
    if isinstance(default, bool):
        return str(int(default))
    if isinstance(default, tuple):
        return ",".join(default)
    if isinstance(default, Path):
        return str(default.relative_to(PROJECT))
    return "" if default is None else str(default)


def test_setup_page__variables_of_the_console__are_those_of_the_environment():
    fields = Environment.model_fields.values()
    expected = {
        str(field.validation_alias): "" if field.is_required() else written(field.get_default()) for field in fields
    }
    assert variables_checked_against("config/environment.py") == expected


class Asked(dict[str, str]):
    """An environment that notes what it is asked for."""

    def __init__(self, *args: object) -> None:
        super().__init__(*args)
        self.names: set[str] = set()

    def get(self, name: str, default: object = None) -> object:  # type: ignore[override]
        self.names.add(name)
        return super().get(name, default)


def test_setup_page__variables_of_the_edge__are_those_it_reads_with_their_defaults():
    asked = Asked()
    unset: EdgeSettings = edge_settings(asked)
    told = variables_checked_against("decisions/serving/settings.py")
    assert set(told) | {"DATABASE_URL", "REDIS_URL", "TILTYARD_STATE_DIR"} == asked.names
    assert edge_settings(told) == unset


def test_setup_page__every_variable_that_code_and_commands_read__is_told():
    private = {"TILTYARD_EMBEDDED", "TILTYARD_LOCAL_FAULT"}
    files = [path for path in files_of_the_repository() if path.suffix in (".py", "") and path.parts[0] != "tests"]
    read = {name for path in files for name in re.findall(r"\bTILTYARD_[A-Z_]+[A-Z]\b", _readable(path))}
    told = set(re.findall(r"\bTILTYARD_[A-Z_]+[A-Z]\b", text_of("docs/setup.md")))
    assert read - private <= told
    assert told <= read | {f"TILTYARD_{role}_PORT" for role in ("PROXY", "EDGE", "INTAKE", "CONSOLE")}


def _readable(path: Path) -> str:
    try:
        return text_of(path)
    except UnicodeDecodeError:
        return ""


def test_statistics__every_module__is_one_click_away() -> None:
    index = section(text_of("docs/statistics.md"), "Find a method")
    own = "../experiments/statistics/"
    linked = {Path(target).stem for target in LINK.findall(index) if target.startswith(own)}
    modules = {path.stem for path in (PROJECT / "experiments/statistics").glob("*.py")} - {"__init__"}
    assert linked == modules
