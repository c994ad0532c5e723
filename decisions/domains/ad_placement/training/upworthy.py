"""Headline tests of Upworthy (Matias et al. 2021): which of several headlines has the most clicks for its views."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow.parquet as pq

from decisions.domain_reports import RecordedDataMissing
from decisions.domains.ad_placement.features import FIELDS, creative_numbers, moment_numbers
from decisions.domains.ad_placement.training.dataset import AdData, Showings
from decisions.policy import Indices

FILE: Final = "ab/upworthy_exploratory_70pct.parquet"
FAULTY: Final = range(201_324, 201_402)
"""Weeks in which arms were badly randomised, as the archive's authors say, and two before in which it shows already."""
CALIBRATE_SHARE: Final = 0.15
TEST_SHARE: Final = 0.25

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Headlines:
    """Headlines of tests, in the order of weeks; arms of a test with the same headline are one. tests: codes."""

    texts: tuple[str, ...]
    tests: Indices
    weeks: Indices
    shown: Floats
    clicked: Floats

    def between(self, first: int, last: int) -> npt.NDArray[np.bool_]:
        """Return which headlines were tested from one week up to another, the last one left out."""
        return (self.weeks >= first) & (self.weeks < last)


def read_headlines(folder: Path) -> Headlines:
    """Return the headlines of tests with several of them, outside of faulty weeks. Raises RecordedDataMissing."""
    try:
        table = pq.read_table(
            folder / FILE, columns=["clickability_test_id", "headline", "impressions", "clicks", "test_week"]
        ).to_pydict()
    except (OSError, ValueError) as error:
        raise RecordedDataMissing(f"{FILE} cannot be read.") from error
    summed: dict[tuple[int, str, str], list[float]] = {}
    for test, text, shown, clicked, week in zip(*table.values(), strict=True):
        if week not in FAULTY and text:
            entry = summed.setdefault((week, test, text.strip()), [0.0, 0.0])
            entry[0] += shown
            entry[1] += clicked
    rows = sorted((key, counts) for key, counts in summed.items() if counts[0] > 0.0)
    names = sorted({(week, test) for (week, test, _), _ in rows})
    code = {name: place for place, name in enumerate(names)}
    tests = np.array([code[(week, test)] for (week, test, _), _ in rows], dtype=np.int64)
    several = np.bincount(tests)[tests] > 1
    kept = [row for row, keeps in zip(rows, several.tolist(), strict=True) if keeps]
    return Headlines(
        texts=tuple(text for (_, _, text), _ in kept),
        tests=tests[several],
        weeks=np.array([week for (week, _, _), _ in kept], dtype=np.int64),
        shown=np.array([counts[0] for _, counts in kept]),
        clicked=np.array([counts[1] for _, counts in kept]),
    )


def split_weeks(weeks: Indices) -> tuple[int, int]:
    """Return the first week to calibrate with and the first week to judge by, by shares of the headlines."""
    ordered = np.sort(weeks)
    places = (1.0 - TEST_SHARE - CALIBRATE_SHARE, 1.0 - TEST_SHARE)
    first, last = (int(ordered[int(len(ordered) * place)]) for place in places)
    return first, max(last, first)


def as_data(headlines: Headlines, *, calibrate_from: int, judge_from: int, judge_until: int) -> AdData:
    """Return the headlines as creatives: the test is their campaign, and nothing but the words tells them apart.

    That the test is known to the model while it learns lets the words explain what differs within tests.
    """
    ids = tuple(f"headline-{place}" for place in range(len(headlines.texts)))
    campaigns = [f"test-{test}" for test in headlines.tests.tolist()]
    numbers = creative_numbers(ids, {"campaign": campaigns, "title": headlines.texts})
    numbers[:, FIELDS.index("creative")] = 1
    judged = headlines.between(judge_from, judge_until)
    return AdData(
        item_ids=ids,
        numbers=numbers,
        subjects=moment_numbers({}, datetime(2014, 1, 1, tzinfo=UTC))[None, :],
        learnt=_showings(headlines, headlines.between(0, calibrate_from)),
        calibrated=_showings(headlines, headlines.between(calibrate_from, judge_from)),
        judged=_showings(headlines, judged),
        units=headlines.tests[judged],
        slots=("",) * int(judged.sum()),
        facts=_facts(headlines, judge_from),
    )


def simple_features(headlines: Headlines) -> Floats:
    """Return what a person would count of a headline first, in standard deviations from the mean; rows x features."""
    rows = np.array([_counts(text) for text in headlines.texts], dtype=np.float64)
    spread = rows.std(axis=0)
    found: Floats = (rows - rows.mean(axis=0)) / np.where(spread > 0.0, spread, 1.0)
    return found


@dataclass(frozen=True, slots=True)
class Picked:
    """How often the best headline was picked: each test's hit less its chance, and the chances."""

    hits: Floats
    chances: Floats


def picked(rates: Floats, headlines: Headlines, judged: npt.NDArray[np.bool_]) -> Picked:
    """Return for each judged test whether the highest rate is that of the headline with the most clicks for its views.

    rates: of the judged headlines. Of several equal predictions each is picked with equal chance.
    """
    tests = headlines.tests[judged]
    observed = headlines.clicked[judged] / headlines.shown[judged]
    hits, chances = [], []
    for rows in np.split(np.arange(len(tests)), np.flatnonzero(np.diff(tests)) + 1):
        best = observed[rows] == observed[rows].max()
        first = rates[rows] == rates[rows].max()
        hits.append(float((best & first).sum() / first.sum()))
        chances.append(float(best.mean()))
    return Picked(np.array(hits), np.array(chances))


def _showings(headlines: Headlines, mask: npt.NDArray[np.bool_]) -> Showings:
    places = np.flatnonzero(mask).astype(np.int64)
    return Showings(
        moments=np.zeros(len(places), dtype=np.int64),
        items=places,
        shown=headlines.shown[places],
        clicked=headlines.clicked[places],
        ordered=np.zeros(len(places)),
    )


def _facts(headlines: Headlines, judge_from: int) -> dict[str, Any]:
    return {"rows": len(headlines.texts), "split_at": str(judge_from)}


def _counts(text: str) -> tuple[float, ...]:
    words = text.split()
    letters = [character for character in text if character.isalpha()]
    return (
        float(len(text)),
        float(len(words)),
        float("?" in text),
        float("!" in text),
        float(any(character.isdigit() for character in text)),
        float(bool(re.search(r"['\"“”‘’]", text))),
        float(bool(re.search(r"\b(you|your)\b", text, re.IGNORECASE))),
        float(bool(re.search(r"\b(this|these|here)\b", text, re.IGNORECASE))),
        float(text.count(".") + text.count(":")),
        sum(character.isupper() for character in letters) / max(1, len(letters)),
        float(np.mean([len(word) for word in words])) if words else 0.0,
    )
