"""All calibration studies, in the order of the document."""

from collections.abc import Sequence
from pathlib import Path

from experiments.calibration.records import Study
from experiments.calibration.running import CalibrationInvalid
from experiments.calibration.studies import (
    adjusted,
    bandits,
    coverage,
    designs,
    family,
    multiplicity,
    peeking,
    real_data,
    selection,
    sequential,
    single_look,
    stopping,
    uneven_revenue,
    validity,
)


def all_studies(real_data_folder: Path | None = None) -> tuple[Study, ...]:
    """Return every study; the one on real logs says why it is skipped where there are none."""
    return (
        *single_look.studies(),
        *uneven_revenue.studies(),
        *sequential.studies(),
        *adjusted.studies(),
        *peeking.studies(),
        *coverage.studies(),
        *stopping.studies(),
        *validity.studies(),
        *multiplicity.studies(),
        *family.studies(),
        *designs.studies(),
        *bandits.studies(),
        *selection.studies(),
        *real_data.studies(real_data_folder),
    )


def named(studies: Sequence[Study], names: Sequence[str]) -> tuple[Study, ...]:
    """Return the studies with those names, or all without names. Raises CalibrationInvalid for an unknown one."""
    known = {study.name for study in studies}
    for name in names:
        if name not in known:
            raise CalibrationInvalid(f"study: {name} is none of {', '.join(sorted(known))}")
    return tuple(study for study in studies if not names or study.name in names)
