"""What the template of explorations is given: text, numbers already written, boxes already ticked."""

from dataclasses import dataclass

from experiments.reports.page import Board, Fact
from experiments.reports.segment_page import Segments
from experiments.reports.wording import Text


@dataclass(frozen=True, slots=True)
class Option:
    """A box to tick."""

    value: str
    label: Text
    note: Text
    ticked: bool


@dataclass(frozen=True, slots=True)
class AskForm:
    """What can be asked for, as it was filled in; `faults` say what to correct."""

    metrics: tuple[Option, ...]
    dimensions: tuple[Option, ...]
    window_days: str
    cap: str
    currency: str
    faults: tuple[Text, ...]


@dataclass(frozen=True, slots=True)
class Line:
    """An earlier exploration."""

    number: int
    url: str
    current: bool
    text: Text


@dataclass(frozen=True, slots=True)
class ExplorationPage:
    """The page; `board` is None before the first exploration, `form` for those who may not ask."""

    key: str
    name: str
    readout_url: str
    json_url: str
    number: int | None
    facts: tuple[Fact, ...]
    waiting: Text
    fault: Text
    board: Board | None
    segments: Segments | None
    lines: tuple[Line, ...]
    form: AskForm | None
