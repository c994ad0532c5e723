"""The parts of a manifest, as frozen dataclasses; their descriptions and bounds are the published JSON Schema."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Final

import msgspec

from experiments.vocabulary import Direction, MetricRole, UnitKind

FILE_NAME: Final = "$file"
"""Stands for the name of the data file wherever a column is named."""
PLACEHOLDER: Final = "{experiment}"
"""In key and name: the value of the experiment column, when every experiment of a file is imported."""


def told(description: str) -> msgspec.Meta:
    """Return the annotation that describes a name."""
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

    key: Annotated[KeyPattern, told("Its key in the project; {experiment} stands for the experiment column's value.")]
    name: Annotated[Line, told("What people call it.")]
    hypothesis: Annotated[Paragraph, told("What was expected and why.")]
    recorded: Annotated[Value | None, told("Import only rows with this value in columns.experiment.")] = None

    @property
    def many(self) -> bool:
        """Whether every value of the experiment column is an experiment of its own."""
        return PLACEHOLDER in self.key


@dataclass(frozen=True, slots=True)
class PairPart:
    """Two columns, when one row holds the figures of a treatment and of the control."""

    control: Annotated[Column, told("The control's column.")]
    treatment: Annotated[Column, told("The treatment's column.")]


Figure = Column | PairPart
FIGURES: Final = ("units", "successes", "sum", "sum_of_squares", "mean", "variance")
"""Names of an outcome's columns in aggregates."""


@dataclass(frozen=True, slots=True)
class Columns:
    """Where things stand in a row; $file is the name of the data file."""

    variant: Annotated[Column, told("The variant that the unit was assigned to.")]
    unit: Annotated[Column | None, told("The randomised unit. Left out: every row is a unit of its own.")] = None
    unit_kind: Annotated[UnitKind, told("Ids of visitors, customers and sessions are stored hashed.")] = (
        UnitKind.VISITOR
    )
    shown: Annotated[Column | None, told("The variant that was shown; rows where it differs are dropped.")] = None
    time: Annotated[Column | None, told("When it happened; of a repeated unit the first row counts.")] = None
    time_format: Annotated[
        Text | None, told("strptime format of the time; left out: ISO 8601, such as 2024-03-01 09:30:00.")
    ] = None
    time_zone: Annotated[Text | None, told("Zone of times without an offset; left out: the project's.")] = None
    cluster: Annotated[Column | None, told("What was randomised, if coarser than the unit.")] = None
    cluster_kind: Annotated[UnitKind, told("Kind of the cluster; personal kinds are stored hashed.")] = UnitKind.STORE
    experiment: Annotated[Column | None, told("Which experiment a row belongs to, if a file holds many.")] = None
    metric: Annotated[Column | None, told("Aggregates: which outcome a row belongs to.")] = None
    units: Annotated[Figure | None, told("Aggregates: units that were randomised, if outcomes count fewer.")] = None
    checkpoint: Annotated[Column | None, told("Aggregates: time of a running total; the last one counts.")] = None


@dataclass(frozen=True, slots=True)
class VariantPart:
    """A variant and the recorded values that mean it."""

    key: Annotated[Key, told("Its key.")]
    name: Annotated[Line | None, told("What people call it; left out: its key.")] = None
    control: Annotated[bool, told("Exactly one variant is the control.")] = False
    recorded: Annotated[
        Values | None,
        told("Values of columns.variant that mean it; left out: its key. Quote 1.0, true and 007."),
    ] = None
    shown: Annotated[Values | None, told("Values of columns.shown that mean it; left out: as recorded.")] = None
    weight: Annotated[Positive | None, told("Planned share, in any unit; left out everywhere: equal.")] = None

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

    column: Annotated[Column, told("Its column; empty where nothing is known about the unit.")]
    kind: Annotated[ValueKind | None, told("How it is read; left out: like the outcome.")] = None
    period: Annotated[Line | None, told("What time it covers, such as: 28 days before the first e-mail.")] = None


@dataclass(frozen=True, slots=True)
class TotalPart:
    """Numerator or denominator of a ratio."""

    column: Annotated[Column, told("Its column.")]
    kind: Annotated[ValueKind, told("How it is read.")] = ValueKind.COUNT
    before: Annotated[BeforePart | None, told("The same total before the experiment, to reduce variance.")] = None


@dataclass(frozen=True, slots=True)
class OutcomePart:
    """What was measured, and what it decides."""

    name: Annotated[Key, told("Becomes the key of the metric.")]
    kind: Annotated[OutcomeKind, told("binary: 0 or 1; count: whole number; money: decimal; ratio: of two totals.")]
    role: Annotated[MetricRole, told("What it may decide.")]
    title: Annotated[Line | None, told("What people call it; left out: its name.")] = None
    direction: Annotated[Direction, told("Which way is better.")] = Direction.INCREASE
    margin: Annotated[Share | None, told("Guardrails: relative loss that is acceptable.")] = None
    cap: Annotated[Positive | None, told("Cap of a unit's value, fixed beforehand; in currency units.")] = None
    missing: Annotated[Missing, told("Whether an empty value is a fault or a zero.")] = Missing.QUARANTINE
    column: Annotated[Column | None, told("Rows: its column.")] = None
    before: Annotated[BeforePart | None, told("Rows: its value before the experiment, to reduce variance.")] = None
    numerator: Annotated[TotalPart | None, told("Rows, ratio: what is counted.")] = None
    denominator: Annotated[TotalPart | None, told("Rows, ratio: per what.")] = None
    recorded: Annotated[Value | None, told("Aggregates: its value in columns.metric.")] = None
    units: Annotated[Figure | None, told("Aggregates: number of units.")] = None
    successes: Annotated[Figure | None, told("Aggregates, binary: number of units with a 1.")] = None
    sum: Annotated[Figure | None, told("Aggregates: sum of the values.")] = None
    sum_of_squares: Annotated[Figure | None, told("Aggregates: sum of the squared values.")] = None
    mean: Annotated[Figure | None, told("Aggregates: mean of the values.")] = None
    variance: Annotated[Figure | None, told("Aggregates: sample variance of the values (not of their mean).")] = None

    @property
    def parts(self) -> tuple[TotalPart, ...]:
        """The columns whose totals make up the outcome of user rows: one, or numerator and denominator."""
        if self.numerator is not None and self.denominator is not None:
            return (self.numerator, self.denominator)
        if self.column is None or self.kind is OutcomeKind.RATIO:
            return ()
        return (TotalPart(self.column, ValueKind(self.kind), self.before),)

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

    kind: Annotated[ObjectiveKind, told("Better, or no worse than the margin while it saves something.")] = (
        ObjectiveKind.SUPERIORITY
    )
    margin: Annotated[Share | None, told("Relative loss that the saving is worth.")] = None
    saving: Annotated[Line | None, told("What is saved.")] = None


@dataclass(frozen=True, slots=True)
class CsvPart:
    """How a CSV file is written."""

    delimiter: Annotated[Character, told("Separates the columns.")] = ","
    quote: Annotated[Quote, told('Encloses values, doubled inside them; "" for none.')] = '"'
    encoding: Annotated[Encoding, told("Its characters.")] = Encoding.UTF8
