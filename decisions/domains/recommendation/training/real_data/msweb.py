"""MSWeb: which areas of a web site people visited in a week, without times; one visit of each is held out."""

import csv
import gzip
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import numpy as np

from decisions.domain import INTERACTIONS, Interaction, InteractionLog
from decisions.domain_reports import RecordedDataMissing
from decisions.domains.recommendation.training.dataset import RecommendationData, split_log
from decisions.domains.recommendation.training.real_data.contest import Split, before
from decisions.policy import Indices

FILE: Final = Path("rec/msweb_anonymous.data.gz")
ABOUT: Final = (
    "**MSWeb**: the areas of www.microsoft.com that 32,711 anonymous people visited in one week of February 1998, UCI "
    "Machine Learning Repository, CC BY 4.0 (Breese, Heckerman and Kadie 1998). It has no times. Of everybody with two "
    "areas or more one visit, drawn with a seed, is held out and to be found; for the tuning a second one of those "
    "with three or more. Item text is the area's title; there are no categories."
)
SEED: Final = 11
MOST_USERS: Final = 5_000
QUICK_USERS: Final = 3_000
_WEEK: Final = datetime(1998, 2, 1, tzinfo=UTC)
"""Times are made up: only which visits are held out matters."""
_KNOWN, _TUNING, _JUDGED = range(3)


def split(path: Path, *, quick: bool) -> Split:
    """Return the visits with one held out of each person for the test, and another for the tuning.

    Raises RecordedDataMissing.
    """
    titles, units, items = read(path)
    if quick:
        kept = units < QUICK_USERS
        units, items = units[kept], items[kept]
    log, stages = log_of(titles, units, items, seed=SEED)
    test = _split(log, int(np.count_nonzero(stages == _JUDGED)))
    return Split(_split(before(test), int(np.count_nonzero(stages == _TUNING))), test)


def read(path: Path) -> tuple[dict[str, str], Indices, Indices]:
    """Return the titles of the areas by id, and of each visit the person and the area, numbered in order.

    Raises RecordedDataMissing.
    """
    titles: dict[str, str] = {}
    units: list[int] = []
    visited: list[str] = []
    person = -1
    try:
        with gzip.open(path, "rt", encoding="latin-1", newline="") as lines:
            for line in csv.reader(lines):
                match line:
                    case ["A", area, _, title, *_]:
                        titles[area] = title
                    case ["C", *_]:
                        person += 1
                    case ["V", area, *_]:
                        units.append(person)
                        visited.append(area)
    except (OSError, EOFError, csv.Error) as error:
        raise RecordedDataMissing(f"{path.name} cannot be read.") from error
    places = {area: place for place, area in enumerate(sorted(titles))}
    if not visited or person < 0 or not places.keys() >= set(visited):
        raise RecordedDataMissing(f"{path.name} holds no visits of MSWeb.")
    named = {area: titles[area] for area in places}
    return named, np.array(units, dtype=np.int64), np.array([places[area] for area in visited], dtype=np.int64)


def log_of(titles: dict[str, str], units: Indices, items: Indices, *, seed: int) -> tuple[InteractionLog, Indices]:
    """Return the visits as a log, and the stage of each of its rows: known, for the tuning, or judged by."""
    rng = np.random.default_rng(seed)
    order = np.lexsort((rng.random(len(units)), units))
    lengths = np.bincount(units, minlength=int(units.max()) + 1)
    rank = np.arange(len(order)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    visits = lengths[units[order]]
    stages = np.full(len(order), _KNOWN)
    stages[(rank == 0) & (visits >= 2)] = _JUDGED
    stages[(rank == 1) & (visits >= 3)] = _TUNING
    at = np.where(stages == _KNOWN, rng.random(len(order)), 1.0 + stages)
    sorted_by_time = np.lexsort((items[order], units[order], at))
    order, stages, at = order[sorted_by_time], stages[sorted_by_time], at[sorted_by_time]
    log = InteractionLog(
        units=units[order].astype(np.int32),
        items=items[order].astype(np.int32),
        kinds=np.full(len(order), INTERACTIONS.index(Interaction.VIEW), dtype=np.int8),
        at=_WEEK.timestamp() + at,
        item_ids=tuple(titles),
        categories=("",) * len(titles),
        prices=np.zeros(len(titles), dtype=np.float32),
        ratings=np.zeros(len(titles), dtype=np.float32),
        start=_WEEK,
        end=_WEEK + timedelta(days=7),
        titles=tuple(titles.values()),
    )
    return log, stages


def _split(log: InteractionLog, last: int) -> RecommendationData:
    """Return the log split before its last rows, which all have the same time."""
    share = (last - 0.5) / len(log.at)
    return split_log(log, share=share, most_users=MOST_USERS, seed=SEED)
