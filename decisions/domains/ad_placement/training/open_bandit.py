"""The Men campaign of Open Bandit (Saito et al. 2021): clicks on what a uniform and a Thompson policy showed."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
from pyarrow import ArrowInvalid, csv

from decisions.domain_reports import RecordedDataMissing
from decisions.domains.ad_placement.features import creative_numbers, moment_numbers
from decisions.domains.ad_placement.training.dataset import AdData, Showings
from decisions.policy import Indices

FILES: Final = {name: f"bandit/obd_men_{name}.csv.gz" for name in ("random", "bts")}
ITEM_FILES: Final = {name: f"bandit/obd_men_{name}_item_context.csv.gz" for name in ("random", "bts")}
CALIBRATION_SHARE: Final = 0.1
FACTS: Final = ("slot", "page", "device", "country", "customer")
"""Position and the four hashed features of the user, in the place of our own facts."""

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Bandit:
    """A log in the order of time. items, positions: from 0. propensities: of the shown item at its position."""

    name: str
    data: AdData
    moments: Indices
    items: Indices
    positions: Indices
    propensities: Floats
    clicked: Floats

    @property
    def count(self) -> int:
        """How many items there are to choose from."""
        return len(self.data.item_ids)

    def split(self, test_share: float) -> AdData:
        """Return the log, its latest rows to judge by and those before them to calibrate with."""
        rows = len(self.items)
        judge_from = int(rows * (1.0 - test_share))
        calibrate_from = int(judge_from - rows * CALIBRATION_SHARE)
        ends = ((0, calibrate_from), (calibrate_from, judge_from), (judge_from, rows))
        learnt, calibrated, judged = (self.part(slice(*part)) for part in ends)
        known = self.data
        return AdData(
            known.item_ids,
            known.numbers,
            known.subjects,
            learnt,
            calibrated,
            judged,
            units=np.arange(judge_from, rows, dtype=np.int64),
            slots=("",) * (rows - judge_from),
            facts={"rows": rows, "policy": self.name},
        )

    def part(self, rows: slice) -> Showings:
        """Return some rows as showings."""
        clicked = self.clicked[rows]
        ones, none = np.ones(len(clicked)), np.zeros(len(clicked))
        return Showings(self.moments[rows], self.items[rows], ones, clicked, none)


def read_bandit(folder: Path, name: str) -> Bandit:
    """Return the log of one of the two policies. Raises RecordedDataMissing."""
    log, about = (_columns(folder, files[name]) for files in (FILES, ITEM_FILES))
    order = np.argsort(np.array([_seconds(at) for at in log["timestamp"]]), kind="stable")
    facts = [log["position"], *(log[f"user_feature_{place}"] for place in range(4))]
    hours = [int(_seconds(at) // 3_600) for at in log["timestamp"]]
    places: dict[tuple[object, ...], int] = {}
    moments = [places.setdefault(row, len(places)) for row in zip(*facts, hours, strict=True)]
    subjects = [
        moment_numbers(
            {fact: str(value) for fact, value in zip(FACTS, row, strict=False)},
            datetime.fromtimestamp(int(str(row[-1])) * 3_600, UTC),
        )
        for row in places
    ]
    ids = tuple(str(item) for item in about["item_id"])
    columns = {
        column: [str(value) for value in about[f"item_feature_{place}"]]
        for column, place in (("campaign", 1), ("advertiser", 2), ("category", 3))
    }
    clicked = np.array(log["click"], dtype=np.float64)[order]
    nothing, none = np.zeros(0, np.int64), np.zeros(0)
    empty = Showings(nothing, nothing, none, none, none)
    return Bandit(
        name=name,
        data=AdData(
            ids,
            creative_numbers(ids, columns),
            np.array(subjects, dtype=np.int64),
            empty,
            empty,
            empty,
            units=np.zeros(0, np.int64),
            slots=(),
            facts={},
        ),
        moments=np.array(moments, dtype=np.int64)[order],
        items=np.array(log["item_id"], dtype=np.int64)[order],
        positions=np.array(log["position"], dtype=np.int64)[order] - 1,
        propensities=np.array(log["propensity_score"], dtype=np.float64)[order],
        clicked=clicked,
    )


def by_position(bandit: Bandit) -> Floats:
    """Return how often a policy chose each item at each position, positions x items: its policy without a context."""
    counts = np.zeros((int(bandit.positions.max()) + 1, bandit.count))
    np.add.at(counts, (bandit.positions, bandit.items), 1.0)
    found: Floats = counts / counts.sum(axis=1, keepdims=True)
    return found


def _columns(folder: Path, name: str) -> dict[str, list[object]]:
    try:
        found: dict[str, list[object]] = csv.read_csv(folder / name).to_pydict()
    except (OSError, ArrowInvalid) as error:
        raise RecordedDataMissing(f"{name} cannot be read.") from error
    return found


def _seconds(at: object) -> float:
    assert isinstance(at, datetime)
    return at.timestamp()
