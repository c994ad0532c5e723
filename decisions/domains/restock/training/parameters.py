"""Parameters that every recipe of restock has."""

from typing import Final

from models_registry.pipeline import COMPRESS, Parameter

SHARED: Final[dict[str, Parameter]] = {
    "test_weeks": Parameter(
        about="Weeks, the latest, that are kept for judging", default=4, least=1, most=26, whole=True, tunable=False
    ),
    "most_days": Parameter(
        about="Most days that are read, the latest", default=730, least=56, most=3_650, whole=True, tunable=False
    ),
    "compress": COMPRESS,
}
