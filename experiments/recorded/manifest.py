"""The manifest of a recorded experiment: what its data mean."""

from dataclasses import dataclass, field, fields, is_dataclass
from typing import Annotated, Any, Final

import msgspec

from experiments.recorded.manifest_parts import (
    Adjust,
    ColumnList,
    Columns,
    CsvPart,
    ExperimentPart,
    Key,
    ObjectivePart,
    OutcomePart,
    Portion,
    Positive,
    SourceKind,
    Text,
    VariantPart,
    told,
)
from experiments.vocabulary import PERSONAL_UNITS

SCHEMA: Final = 1

Version = Annotated[int, msgspec.Meta(ge=SCHEMA, le=SCHEMA)]
Variants = Annotated[tuple[VariantPart, ...], msgspec.Meta(min_length=2)]
Outcomes = Annotated[tuple[OutcomePart, ...], msgspec.Meta(min_length=1)]


@dataclass(frozen=True, slots=True)
class Manifest:
    """Everything that turns the data of a recorded experiment into units, outcomes and a plan."""

    schema: Annotated[Version, told("Version of this format.")]
    project: Annotated[Key, told("Key of the project.")]
    experiment: Annotated[ExperimentPart, told("The experiment.")]
    source: Annotated[SourceKind, told("rows: one or more rows per unit; aggregates: totals per variant.")]
    columns: Annotated[Columns, told("Where things stand in a row.")]
    variants: Annotated[Variants, told("All variants, in the order of reports.")]
    outcomes: Annotated[Outcomes, told("All outcomes, in the order of reports.")]
    dimensions: Annotated[ColumnList, told("Columns known before the exposure, for segments.")] = ()
    adjust: Annotated[Adjust, told("Over what DECISION tests are corrected.")] = Adjust.ARMS
    objective: Annotated[ObjectivePart, told("What a treatment has to show.")] = field(default_factory=ObjectivePart)
    money_unit: Annotated[Positive, told("Currency units in 1 of the data: 0.01 for cents.")] = 1.0
    null_tokens: Annotated[tuple[Text, ...], told("Texts that mean nothing is known, besides the empty one.")] = ()
    rows_are_units: Annotated[
        bool, told("Rows without an id are units although a column repeats inside variants only.")
    ] = False
    tolerated_bad_share: Annotated[Portion, told("Refuse the data when a larger share of its rows is bad.")] = 0.05
    csv: Annotated[CsvPart, told("How CSV files are written.")] = field(default_factory=CsvPart)

    @property
    def control(self) -> VariantPart:
        """The control."""
        return next(variant for variant in self.variants if variant.control)

    @property
    def unit_is_personal(self) -> bool:
        """Whether ids in the unit column are hashed before they are stored."""
        return self.columns.unit is not None and self.columns.unit_kind in PERSONAL_UNITS

    def canonical_json(self) -> bytes:
        """Return the one JSON encoding of what the manifest says, whatever its comments, its order and the defaults
        it writes out. A name that a later version adds does not change it."""
        return msgspec.json.encode(_said(self), order="sorted")


def _said(part: Any) -> Any:
    """Return a part of a manifest as plain values, without those that are the defaults."""
    if isinstance(part, tuple):
        return [_said(entry) for entry in part]
    if not is_dataclass(part):
        return part
    found = {}
    for place in fields(part):
        value = getattr(part, place.name)
        default = place.default_factory() if callable(place.default_factory) else place.default
        if value != default:
            found[place.name] = _said(value)
    return found
