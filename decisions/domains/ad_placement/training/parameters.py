"""Parameters that every recipe of advertising has."""

from typing import Final

from models_registry.pipeline import COMPRESS, Parameter

SHARED: Final[dict[str, Parameter]] = {
    "test_share": Parameter(
        about="Share of the showings, the latest, that is kept for judging",
        default=0.2,
        least=0.05,
        most=0.5,
        tunable=False,
    ),
    "calibration_share": Parameter(
        about="Share of the showings, those before the judged ones, that probabilities are calibrated with",
        default=0.1,
        least=0.01,
        most=0.3,
        tunable=False,
    ),
    "most_rows": Parameter(
        about="Most showings that are read, the latest",
        default=2_000_000,
        least=100,
        most=20_000_000,
        whole=True,
        tunable=False,
    ),
    "compress": COMPRESS,
}
