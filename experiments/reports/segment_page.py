"""What the segments' part of a readout is given: text, numbers already written, positions already computed."""

from dataclasses import dataclass

from experiments.reports.forest import Bar
from experiments.reports.wording import Text, Tone


@dataclass(frozen=True, slots=True)
class SegmentLevel:
    """The effect in one level, as estimated there and moved towards all levels; `words` says why there is none."""

    number: int
    name: Text
    units: str
    effect: str
    lift: str
    shrunk: str
    p_value: str
    words: Text
    claim: Text = ""
    tone: Tone = Tone.MUTED
    glyph: str = ""
    interval: str = ""
    shrunk_interval: str = ""
    raw_bar: Bar | None = None
    shrunk_bar: Bar | None = None
    picture: Text = ""


@dataclass(frozen=True, slots=True)
class SegmentTable:
    """One dimension: the answer in a sentence, and its levels on an axis."""

    dimension: str
    answer: Text
    tone: Tone
    glyph: str
    differs: bool
    ticks: tuple[str, ...]
    levels: tuple[SegmentLevel, ...]


@dataclass(frozen=True, slots=True)
class SegmentGroup:
    """The dimensions of one metric in one variant."""

    title: Text
    tables: tuple[SegmentTable, ...]


@dataclass(frozen=True, slots=True)
class Segments:
    """All segments, what they may be used for, and whether claims have to wait."""

    groups: tuple[SegmentGroup, ...]
    note: Text
    waits: Text
    csv_url: str = ""
