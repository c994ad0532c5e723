"""All calibration studies, in the order of the documents."""

from collections.abc import Sequence
from pathlib import Path

from experiments.calibration.pages import INTERFERENCE, Page
from experiments.calibration.records import Study
from experiments.calibration.running import CalibrationInvalid
from experiments.calibration.studies import (
    adjusted,
    bandits,
    coverage,
    designs,
    family,
    interference,
    multiplicity,
    peeking,
    real_data,
    replenishment,
    selection,
    sequential,
    single_look,
    stopping,
    uneven_revenue,
    validity,
)


def all_studies(real_data_folder: Path | None = None) -> tuple[Study, ...]:
    """Return every study of docs/calibration.md; the one on real logs says why it is skipped where there are none."""
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


def interference_studies() -> tuple[Study, ...]:
    """Return the studies of price and restock designs."""
    return (*interference.studies(), *replenishment.studies())


def studies_of(page: Page, real_data_folder: Path | None = None) -> tuple[Study, ...]:
    """Return the studies that a page shows, in order."""
    return interference_studies() if page is INTERFERENCE else all_studies(real_data_folder)


def named(studies: Sequence[Study], names: Sequence[str]) -> tuple[Study, ...]:
    """Return the studies with those names, or all without names. Raises CalibrationInvalid for an unknown one."""
    known = {study.name for study in studies}
    for name in names:
        if name not in known:
            raise CalibrationInvalid(f"study: {name} is none of {', '.join(sorted(known))}")
    return tuple(study for study in studies if not names or study.name in names)
