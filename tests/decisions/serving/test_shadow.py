"""Shadow mode: what is compared, what is dropped, and that nothing of it is ever served."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from decisions.domain import PolicyKind
from decisions.serving import shadow
from decisions.serving.breaker import BreakerPolicy
from decisions.serving.bundle import LiveBundle
from decisions.serving.choosing import Means
from decisions.serving.equipment import fit
from decisions.serving.scoring import score_at_once
from decisions.serving.shadow import Comparison, ShadowScoring, compared, is_drawn, overlap, rank_agreement
from models_registry.predictors.popularity import Popularity
from tests.decisions.published import point
from tests.decisions.serving.shops import bundle_of, decided, items, popularity

SHADOW = 99
MEANS = Means(score_at_once, "decision-1")


def shop(scores: dict[str, float] | None = None, predictor: Any = None) -> LiveBundle:
    """Return a bundle whose champion is version 12, with another version equipped beside it."""
    bundle = bundle_of(at=point(champions=[{"version": 12, "audience": None, "unit_kind": None}]))
    used = predictor or popularity(scores)
    record = replace(bundle.points.models[12], version=SHADOW)
    catalogue = bundle.equipment.catalogue
    assert catalogue is not None
    fitted = fit(record, used, {item: n for n, item in enumerate(used.items)}, catalogue)
    return replace(bundle, equipment=replace(bundle.equipment, models={**bundle.equipment.models, SHADOW: fitted}))


def asked(bundle: LiveBundle, version: int = SHADOW) -> Comparison:
    return Comparison(decided(bundle), version, bundle.equipment, "decision-1")


@pytest.fixture
def scoring() -> Iterator[ShadowScoring]:
    scoring = ShadowScoring(BreakerPolicy())
    yield scoring
    scoring.close()


def told(scoring: ShadowScoring, comparison: Comparison) -> dict[str, object]:
    """Return the note that a decision comes back with."""
    notes: list[dict[str, object]] = []
    came = threading.Event()

    def keep(note: Any) -> None:
        notes.append(dict(note))
        came.set()

    scoring.offer(comparison, keep)
    assert came.wait(30)
    return notes[0]


def test_compared__the_same_scores__agree_wholly():
    assert compared(asked(shop()), MEANS) == {"version": SHADOW, "overlap": 1.0, "rank": 1.0}


def test_compared__the_reverse_scores__show_other_items_and_serve_none_of_them():
    liked = popularity()
    reverse = dict(zip(liked.items, (-liked.popularity).tolist(), strict=True))
    bundle = shop(reverse)
    decision = decided(bundle)
    before = items(decision)
    note = compared(Comparison(decision, SHADOW, bundle.equipment, "decision-1"), MEANS)
    assert (note["overlap"], note["rank"]) == (0.0, None)
    assert items(decision) == before == items(decided(shop()))


def test_compared__a_version_that_is_not_equipped__says_so():
    assert compared(asked(shop(), version=77), MEANS) == {"version": 77, "reason": "MODEL_UNAVAILABLE"}


@pytest.mark.parametrize(
    ("served", "other", "share", "rank"),
    [
        ("abcd", "abcd", 1.0, 1.0),
        ("abcd", "dcba", 1.0, -1.0),
        ("abcd", "abdc", 1.0, 2 / 3),
        ("abcd", "axby", 0.5, 1.0),
        ("abcd", "wxyz", 0.0, None),
        ("abcd", "wxyd", 0.25, None),
        ("abcd", "ab", 1.0, 1.0),
        ("", "abcd", 1.0, None),
    ],
)
def test_agreement__of_two_slates__is_counted_by_hand(served: str, other: str, share: float, rank: float | None):
    assert overlap(served, other) == share
    assert rank_agreement(served, other) == (rank if rank is None else pytest.approx(rank))


@given(st.permutations("abcdefgh"), st.permutations("abcdefgh"))
def test_rank_agreement__of_two_orders__is_symmetric_and_reverses(one: list[str], other: list[str]):
    found = rank_agreement(one, other)
    assert found == pytest.approx(rank_agreement(other, one))
    assert found == pytest.approx(-(rank_agreement(one, other[::-1]) or 0.0))


def test_is_drawn__only_what_another_model_decided__by_the_id_of_the_decision():
    decision = decided(shop())
    ids = [f"d-{n}" for n in range(4_000)]
    drawn = sum(is_drawn(decision, SHADOW, name) for name in ids)
    assert abs(drawn / len(ids) - shadow.SHARE) < 4 * (shadow.SHARE / len(ids)) ** 0.5
    assert [is_drawn(decision, SHADOW, name) for name in ids[:50]] == [
        is_drawn(decision, SHADOW, name) for name in ids[:50]
    ]
    assert not any(is_drawn(decision, None, name) or is_drawn(decision, 12, name) for name in ids)
    assert not is_drawn(replace(decision, policy=PolicyKind.BASELINE), SHADOW, "x", share=1.0)
    assert not is_drawn(replace(decision, actions=()), SHADOW, "x", share=1.0)
    assert not is_drawn(replace(decision, scene=None), SHADOW, "x", share=1.0)
    assert is_drawn(decision, SHADOW, "x", share=1.0)


def test_scoring__a_decision__comes_back_with_its_note_and_how_long_it_took(scoring: ShadowScoring):
    note = told(scoring, asked(shop()))
    assert {name: note[name] for name in ("version", "overlap", "rank")} == {
        "version": SHADOW,
        "overlap": 1.0,
        "rank": 1.0,
    }
    assert isinstance(note["ms"], float)
    assert (scoring.counts.drawn, scoring.counts.compared) == (1, 1)


class Waiting(Popularity):
    """A predictor that does not answer before it is let go; whoever asks it is let know that it was asked."""

    was_asked = threading.Event()
    released = threading.Event()

    def score(self, history: Any, candidates: Any = None) -> Any:
        self.was_asked.set()
        self.released.wait(60)
        return super().score(history, candidates)


@pytest.fixture
def waiting() -> Iterator[Waiting]:
    Waiting.was_asked.clear()
    Waiting.released.clear()
    liked = popularity()
    yield Waiting(liked.items, liked.popularity)
    Waiting.released.set()


def test_scoring__a_shadow_that_hangs__gives_a_reason_and_holds_up_nobody(scoring: ShadowScoring, waiting: Waiting):
    assert told(scoring, asked(shop(predictor=waiting))) == {"version": SHADOW, "reason": "DEADLINE"}
    assert scoring.counts.failed == 1


def test_scoring__more_than_waits__is_dropped_at_once_and_counted(scoring: ShadowScoring, waiting: Waiting):
    comparison = asked(shop(predictor=waiting))
    notes: list[Any] = []
    scoring.offer(comparison, notes.append)
    assert waiting.was_asked.wait(30)
    for _ in range(shadow.MOST_WAITING):
        scoring.offer(comparison, notes.append)
    here: list[Any] = []
    scoring.offer(comparison, here.append)
    assert here == [{"version": SHADOW, "reason": "DROPPED"}]
    assert scoring.counts.dropped >= 1
    scoring.close()
    counts = scoring.counts
    assert len(notes) + len(here) == counts.drawn == counts.compared + counts.failed + counts.dropped


def test_scoring__closed__drops_what_is_offered_and_still_tells(scoring: ShadowScoring):
    scoring.close()
    notes: list[Any] = []
    scoring.offer(asked(shop()), notes.append)
    assert notes == [{"version": SHADOW, "reason": "DROPPED"}]


class Failing(Popularity):
    """A predictor with scores that cannot be."""

    def score(self, history: Any, candidates: Any = None) -> Any:
        return np.full(len(self.items) if candidates is None else len(candidates), np.nan, dtype=np.float32)


def test_scoring__a_shadow_with_scores_that_cannot_be__gives_its_reason(scoring: ShadowScoring):
    liked = popularity()
    note = told(scoring, asked(shop(predictor=Failing(liked.items, liked.popularity))))
    assert note == {"version": SHADOW, "reason": "SCORES_INVALID"}


def test_scoring__a_reader_of_notes_that_fails__does_not_end_the_thread(scoring: ShadowScoring):
    came = threading.Event()

    def fail(_note: Any) -> None:
        came.set()
        raise RuntimeError("no room")

    scoring.offer(asked(shop()), fail)
    assert came.wait(30)
    while (note := told(scoring, asked(shop()))).get("reason") == "DROPPED":
        pass
    assert note["overlap"] == 1.0
