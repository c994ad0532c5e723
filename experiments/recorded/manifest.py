"""The manifest of a recorded experiment: what its data mean, as frozen dataclasses.

The field descriptions and bounds are the published JSON Schema (`experiments.recorded.schema`).
"""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated, Final

import msgspec

from experiments.vocabulary import PERSONAL_UNITS, Direction, MetricRole, UnitKind

SCHEMA: Final = 1
FILE_NAME: Final = "$file"
"""Stands for the name of the data file wherever a column is named."""
PLACEHOLDER: Final = "{experiment}"
"""In key and name: the value of the experiment column, when every experiment of a file is imported."""


def _told(description: str) -> msgspec.Meta:
    return msgspec.Meta(description=description)


Key = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$")]
KeyPattern = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9{][a-z0-9._{}-]{0,63}$")]
Line = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
Column = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
Text = Annotated[str, msgspec.Meta(max_length=200)]
Paragraph = Annotated[str, msgspec.Meta(min_length=1, max_length=4000)]
Value = Text | int
Values = Annotated[tuple[Value, ...], msgspec.Meta(min_length=1)]
ColumnList = tuple[Column, ...]
Positive = Annotated[float, msgspec.Meta(gt=0)]
Share = Annotated[float, msgspec.Meta(gt=0, lt=1)]
Portion = Annotated[float, msgspec.Meta(ge=0, le=1)]
Character = Annotated[str, msgspec.Meta(min_length=1, max_length=1)]
Quote = Annotated[str, msgspec.Meta(max_length=1)]
Version = Annotated[int, msgspec.Meta(ge=SCHEMA, le=SCHEMA)]


class SourceKind(StrEnum):
    """What a row of the data is."""

    ROWS = "rows"
    AGGREGATES = "aggregates"


class ValueKind(StrEnum):
    """How a recorded value is read."""

    BINARY = "binary"
    COUNT = "count"
    MONEY = "money"


class OutcomeKind(StrEnum):
    """How a unit's recorded values become its outcome."""

    BINARY = "binary"
    COUNT = "count"
    MONEY = "money"
    RATIO = "ratio"


class Missing(StrEnum):
    """What an empty outcome means."""

    QUARANTINE = "quarantine"
    ZERO = "zero"


class Adjust(StrEnum):
    """Over what the DECISION tests are corrected."""

    ARMS = "arms"
    METRICS_AND_ARMS = "metrics_and_arms"


class Encoding(StrEnum):
    """Characters of a CSV file."""

    UTF8 = "utf-8"
    UTF16 = "utf-16"
    LATIN1 = "latin-1"


class ObjectiveKind(StrEnum):
    """What a treatment has to show."""

    SUPERIORITY = "superiority"
    NON_INFERIORITY_WITH_SAVING = "non_inferiority_with_saving"


@dataclass(frozen=True, slots=True)
class ExperimentPart:
    """The experiment, or with {experiment} in its key, all experiments of the file."""

    key: Annotated[KeyPattern, _told("Its key in the project; {experiment} stands for the experiment column's value.")]
    name: Annotated[Line, _told("What people call it.")]
    hypothesis: Annotated[Paragraph, _told("What was expected and why.")]
    recorded: Annotated[Value | None, _told("Import only rows with this value in columns.experiment.")] = None

    @property
    def many(self) -> bool:
        """Whether every value of the experiment column is an experiment of its own."""
        return PLACEHOLDER in self.key


@dataclass(frozen=True, slots=True)
class PairPart:
    """Two columns, when one row holds the figures of a treatment and of the control."""

    control: Annotated[Column, _told("The control's column.")]
    treatment: Annotated[Column, _told("The treatment's column.")]


Figure = Column | PairPart
FIGURES: Final = ("units", "successes", "sum", "sum_of_squares", "mean", "variance")
"""Names of an outcome's columns in aggregates."""


@dataclass(frozen=True, slots=True)
class Columns:
    """Where things stand in a row; $file is the name of the data file."""

    variant: Annotated[Column, _told("The variant that the unit was assigned to.")]
    unit: Annotated[Column | None, _told("The randomised unit. Left out: every row is a unit of its own.")] = None
    unit_kind: Annotated[UnitKind, _told("Ids of visitors, customers and sessions are stored hashed.")] = (
        UnitKind.VISITOR
    )
    shown: Annotated[Column | None, _told("The variant that was shown; rows where it differs are dropped.")] = None
    time: Annotated[Column | None, _told("When it happened; of a repeated unit the first row counts.")] = None
    time_format: Annotated[
        Text | None, _told("strptime format of the time; left out: ISO 8601, such as 2024-03-01 09:30:00.")
    ] = None
    time_zone: Annotated[Text | None, _told("Zone of times without an offset; left out: the project's.")] = None
    cluster: Annotated[Column | None, _told("What was randomised, if coarser than the unit.")] = None
    cluster_kind: Annotated[UnitKind, _told("Kind of the cluster; personal kinds are stored hashed.")] = UnitKind.STORE
    experiment: Annotated[Column | None, _told("Which experiment a row belongs to, if a file holds many.")] = None
    metric: Annotated[Column | None, _told("Aggregates: which outcome a row belongs to.")] = None
    units: Annotated[Figure | None, _told("Aggregates: units that were randomised, if outcomes count fewer.")] = None
    checkpoint: Annotated[Column | None, _told("Aggregates: time of a running total; the last one counts.")] = None


@dataclass(frozen=True, slots=True)
class VariantPart:
    """A variant and the recorded values that mean it."""

    key: Annotated[Key, _told("Its key.")]
    name: Annotated[Line | None, _told("What people call it; left out: its key.")] = None
    control: Annotated[bool, _told("Exactly one variant is the control.")] = False
    recorded: Annotated[
        Values | None,
        _told("Values of columns.variant that mean it; left out: its key. Quote 1.0, true and 007."),
    ] = None
    shown: Annotated[Values | None, _told("Values of columns.shown that mean it; left out: as recorded.")] = None
    weight: Annotated[Positive | None, _told("Planned share, in any unit; left out everywhere: equal.")] = None

    @property
    def title(self) -> str:
        """The name shown to people."""
        return self.name or self.key

    @property
    def recorded_values(self) -> tuple[str, ...]:
        """The texts in the variant column that mean this variant."""
        return (self.key,) if self.recorded is None else tuple(str(value) for value in self.recorded)

    @property
    def shown_values(self) -> tuple[str, ...]:
        """The texts in the shown column that mean this variant."""
        return self.recorded_values if self.shown is None else tuple(str(value) for value in self.shown)


@dataclass(frozen=True, slots=True)
class BeforePart:
    """A column with the same unit's value before the experiment began."""

    column: Annotated[Column, _told("Its column; empty where nothing is known about the unit.")]
    kind: Annotated[ValueKind | None, _told("How it is read; left out: like the outcome.")] = None


@dataclass(frozen=True, slots=True)
class PartPart:
    """Numerator or denominator of a ratio."""

    column: Annotated[Column, _told("Its column.")]
    kind: Annotated[ValueKind, _told("How it is read.")] = ValueKind.COUNT
    before: Annotated[BeforePart | None, _told("The same total before the experiment, to reduce variance.")] = None


@dataclass(frozen=True, slots=True)
class OutcomePart:
    """What was measured, and what it decides."""

    name: Annotated[Key, _told("Becomes the key of the metric.")]
    kind: Annotated[OutcomeKind, _told("binary: 0 or 1; count: whole number; money: decimal; ratio: of two totals.")]
    role: Annotated[MetricRole, _told("What it may decide.")]
    title: Annotated[Line | None, _told("What people call it; left out: its name.")] = None
    direction: Annotated[Direction, _told("Which way is better.")] = Direction.INCREASE
    margin: Annotated[Share | None, _told("Guardrails: relative loss that is acceptable.")] = None
    cap: Annotated[Positive | None, _told("Cap of a unit's value, fixed beforehand; in currency units.")] = None
    missing: Annotated[Missing, _told("Whether an empty value is a fault or a zero.")] = Missing.QUARANTINE
    column: Annotated[Column | None, _told("Rows: its column.")] = None
    before: Annotated[BeforePart | None, _told("Rows: its value before the experiment, to reduce variance.")] = None
    numerator: Annotated[PartPart | None, _told("Rows, ratio: what is counted.")] = None
    denominator: Annotated[PartPart | None, _told("Rows, ratio: per what.")] = None
    recorded: Annotated[Value | None, _told("Aggregates: its value in columns.metric.")] = None
    units: Annotated[Figure | None, _told("Aggregates: number of units.")] = None
    successes: Annotated[Figure | None, _told("Aggregates, binary: number of units with a 1.")] = None
    sum: Annotated[Figure | None, _told("Aggregates: sum of the values.")] = None
    sum_of_squares: Annotated[Figure | None, _told("Aggregates: sum of the squared values.")] = None
    mean: Annotated[Figure | None, _told("Aggregates: mean of the values.")] = None
    variance: Annotated[Figure | None, _told("Aggregates: sample variance of the values (not of their mean).")] = None

    @property
    def parts(self) -> tuple[PartPart, ...]:
        """The columns whose totals make up the outcome of user rows: one, or numerator and denominator."""
        if self.numerator is not None and self.denominator is not None:
            return (self.numerator, self.denominator)
        if self.column is None or self.kind is OutcomeKind.RATIO:
            return ()
        return (PartPart(self.column, ValueKind(self.kind), self.before),)

    def is_pair(self, name: str) -> bool:
        """Whether the figure of this name has one column for the control and one for the treatment."""
        return isinstance(getattr(self, name), PairPart)

    @property
    def paired(self) -> bool:
        """Whether one row holds the figures of a treatment and of the control."""
        return any(self.is_pair(name) for name in FIGURES)


@dataclass(frozen=True, slots=True)
class ObjectivePart:
    """What a treatment has to show to be shipped."""

    kind: Annotated[ObjectiveKind, _told("Better, or no worse than the margin while it saves something.")] = (
        ObjectiveKind.SUPERIORITY
    )
    margin: Annotated[Share | None, _told("Relative loss that the saving is worth.")] = None
    saving: Annotated[Line | None, _told("What is saved.")] = None


@dataclass(frozen=True, slots=True)
class CsvPart:
    """How a CSV file is written."""

    delimiter: Annotated[Character, _told("Separates the columns.")] = ","
    quote: Annotated[Quote, _told('Encloses values, doubled inside them; "" for none.')] = '"'
    encoding: Annotated[Encoding, _told("Its characters.")] = Encoding.UTF8


Variants = Annotated[tuple[VariantPart, ...], msgspec.Meta(min_length=2)]
Outcomes = Annotated[tuple[OutcomePart, ...], msgspec.Meta(min_length=1)]


@dataclass(frozen=True, slots=True)
class Manifest:
    """Everything that turns the data of a recorded experiment into units, outcomes and a plan."""

    schema: Annotated[Version, _told("Version of this format.")]
    project: Annotated[Key, _told("Key of the project.")]
    experiment: Annotated[ExperimentPart, _told("The experiment.")]
    source: Annotated[SourceKind, _told("rows: one or more rows per unit; aggregates: totals per variant.")]
    columns: Annotated[Columns, _told("Where things stand in a row.")]
    variants: Annotated[Variants, _told("All variants, in the order of reports.")]
    outcomes: Annotated[Outcomes, _told("All outcomes, in the order of reports.")]
    dimensions: Annotated[ColumnList, _told("Columns known before the exposure, for segments.")] = ()
    adjust: Annotated[Adjust, _told("Over what DECISION tests are corrected.")] = Adjust.ARMS
    objective: Annotated[ObjectivePart, _told("What a treatment has to show.")] = field(default_factory=ObjectivePart)
    money_unit: Annotated[Positive, _told("Currency units in 1 of the data: 0.01 for cents.")] = 1.0
    null_tokens: Annotated[tuple[Text, ...], _told("Texts that mean nothing is known, besides the empty one.")] = ()
    tolerated_bad_share: Annotated[Portion, _told("Refuse the data when a larger share of its rows is bad.")] = 0.05
    csv: Annotated[CsvPart, _told("How CSV files are written.")] = field(default_factory=CsvPart)

    @property
    def control(self) -> VariantPart:
        """The control."""
        return next(variant for variant in self.variants if variant.control)

    @property
    def unit_is_personal(self) -> bool:
        """Whether ids in the unit column are hashed before they are stored."""
        return self.columns.unit is not None and self.columns.unit_kind in PERSONAL_UNITS

    def canonical_json(self) -> bytes:
        """Return the one JSON encoding of what the manifest says, whatever its comments, order and defaults."""
        return msgspec.json.encode(self, order="sorted")
