"""Which columns a manifest of aggregates needs, and which of them hold the figures of which variant."""

from experiments.recorded.layout import Judgement, Layout, variant_sql
from experiments.recorded.manifest import Manifest
from experiments.recorded.manifest_parts import FIGURES, Figure, PairPart
from experiments.recorded.reasons import RowFault


def layout_of_aggregates(manifest: Manifest) -> Layout:
    """Return the layout of a manifest of aggregates: every column is kept as text, its figures are judged later."""
    columns = manifest.columns
    named = [columns.experiment, columns.variant, columns.metric, columns.checkpoint]
    figures = [columns.units, *(getattr(outcome, name) for outcome in manifest.outcomes for name in FIGURES)]
    wanted = [*(name for name in named if name), *(name for figure in figures for name in _columns_of(figure))]
    needed = tuple(dict.fromkeys(wanted))
    text = {name: f"n{index}" for index, name in enumerate(needed)}
    values = [() if variant.control and paired(manifest) else variant.recorded_values for variant in manifest.variants]
    parsed = {
        "experiment": text[columns.experiment] if columns.experiment else "CAST(NULL AS VARCHAR)",
        "variant": variant_sql(text[columns.variant], values),
        **{f"f{index}": f"n{index}" for index in range(len(needed))},
    }
    judgements = [
        Judgement(RowFault.MISSING_VARIANT, columns.variant, f"{text[columns.variant]} IS NULL"),
        Judgement(RowFault.UNKNOWN_VARIANT, columns.variant, "variant IS NULL"),
    ]
    if columns.experiment:
        judgements.insert(0, Judgement(RowFault.MISSING_EXPERIMENT, columns.experiment, "experiment IS NULL"))
    return Layout(needed, (), (), parsed, tuple(judgements))


def column_of(figure: Figure, side: str) -> str:
    """Return the column of a figure; in a pair that of the side, control or treatment."""
    if isinstance(figure, PairPart):
        return figure.control if side == "control" else figure.treatment
    return figure


def _columns_of(figure: Figure | None) -> tuple[str, ...]:
    if figure is None:
        return ()
    return (figure.control, figure.treatment) if isinstance(figure, PairPart) else (figure,)


def paired(manifest: Manifest) -> bool:
    """Whether a row holds the figures of a treatment and of the control."""
    return any(outcome.paired for outcome in manifest.outcomes)
