"""What a readout's template is given: frozen records of text, numbers already written, positions already computed."""

from dataclasses import dataclass

from experiments.reports.forest import Bar
from experiments.reports.segment_page import Segments
from experiments.reports.wording import Text, Tone


@dataclass(frozen=True, slots=True)
class Fact:
    """A short label and its value."""

    label: Text
    value: Text


@dataclass(frozen=True, slots=True)
class Link:
    """Where to go next."""

    label: Text
    url: str


@dataclass(frozen=True, slots=True)
class RelatedCard:
    """What an app above knows of the experiment, in words and as a table: one row for each variant.

    The first cell of a row names it; columns have one heading for each cell.
    """

    title: Text
    sentences: tuple[Text, ...]
    columns: tuple[Text, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class RelatedLink:
    """A record of an app above that the experiment belongs to or led to."""

    label: Text
    text: Text
    url: str


@dataclass(frozen=True, slots=True)
class Strip:
    """The verdict: one sentence, what to do next, how fresh the data are."""

    label: Text
    tone: Tone
    glyph: str
    sentence: Text
    more: tuple[Text, ...]
    next_step: Text
    next_link: Link | None
    facts: tuple[Fact, ...]
    fault: Text


@dataclass(frozen=True, slots=True)
class CheckLine:
    """One validity check: what was found and what to do about it."""

    title: Text
    outcome: Text
    tone: Tone
    glyph: str
    figures: tuple[Fact, ...]
    advice: Text


@dataclass(frozen=True, slots=True)
class Health:
    """The validity checks: those that want attention, then those that passed."""

    summary: Text
    tone: Tone
    attention: tuple[CheckLine, ...]
    passed: tuple[CheckLine, ...]


@dataclass(frozen=True, slots=True)
class ArmCell:
    """A metric in one arm: its value, and the raw numbers it comes from."""

    value: Text
    units: str
    total: Text


@dataclass(frozen=True, slots=True)
class Row:
    """A metric in one variant against the control; `bar` is None where there is nothing to draw, `words` says why.

    after_stop: lines with the effect corrected for stopping early, once the comparison has stopped.
    """

    number: int
    variant: str
    control: ArmCell
    arm: ArmCell
    effect: Text
    interval: Text
    words: Text
    bar: Bar | None
    picture: Text
    p_value: str
    p_name: Text
    signal: Text
    tone: Tone
    glyph: str
    badges: tuple[Text, ...]
    details: tuple[Fact, ...]
    after_stop: tuple[Text, ...] = ()


@dataclass(frozen=True, slots=True)
class MetricBlock:
    """A metric with its rows, and the ticks of its own axis where it does not share one."""

    key: str
    name: str
    version: int
    description: str
    wish: Text
    margin: Text
    ticks: tuple[str, ...]
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class RoleGroup:
    """The metrics of one role."""

    title: Text
    purpose: Text
    metrics: tuple[MetricBlock, ...]


@dataclass(frozen=True, slots=True)
class Board:
    """The scorecard: metrics by role; in relative mode all bars share one axis, whose ticks are given."""

    groups: tuple[RoleGroup, ...]
    trusted: bool
    relative: bool
    ticks: tuple[str, ...]
    method: Text
    relative_url: str
    absolute_url: str
    title: Text = ""


@dataclass(frozen=True, slots=True)
class SampleLine:
    """Units of one variant beside the share that was planned."""

    variant: str
    control: bool
    units: str
    planned: str
    observed: str


@dataclass(frozen=True, slots=True)
class Exclusion:
    """What was left out, how many, and what that means."""

    title: Text
    number: str
    meaning: Text


@dataclass(frozen=True, slots=True)
class Samples:
    """Who was analysed and who was not."""

    lines: tuple[SampleLine, ...]
    total: str
    exclusions: tuple[Exclusion, ...]
    none_found: str
    quarantine: tuple[Fact, ...]
    imported: tuple[Fact, ...]


@dataclass(frozen=True, slots=True)
class ProgressLine:
    """How much of the planned information a comparison has; `width` is the filled part of a bar of 100."""

    metric: str
    variant: str
    share: str
    width: str
    boundary: Text


@dataclass(frozen=True, slots=True)
class LookLine:
    """A past look and its verdict."""

    number: int
    time: str
    label: Text
    tone: Tone
    glyph: str


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the experiment has come, by information and by calendar, and what earlier looks said."""

    method: Text
    calendar: Text
    lines: tuple[ProgressLine, ...]
    looks: tuple[LookLine, ...]


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to the experiment."""

    time: str
    title: Text
    actor: Text
    note: Text


@dataclass(frozen=True, slots=True)
class Decision:
    """What was recommended, what was decided, by whom and why."""

    recommendation: Text
    tone: Tone
    glyph: str
    facts: tuple[Fact, ...]
    note: str


@dataclass(frozen=True, slots=True)
class Page:
    """A whole readout."""

    key: str
    name: str
    hypothesis: str
    status: Text
    project: str
    facts: tuple[Fact, ...]
    related: tuple[RelatedLink, ...]
    cards: tuple[RelatedCard, ...]
    strip: Strip
    health: Health | None
    board: Board | None
    segments: Segments | None
    samples: Samples | None
    progress: Progress | None
    events: tuple[Event, ...]
    decision: Decision
    csv_url: str
    json_url: str
    admin_url: str
    explore_url: str = ""
    schedule_url: str = ""
