from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from xxhash import xxh3_64_intdigest

from experiments.assignment.bucketing import LONGEST_UNIT_ID, SLOTS, Purpose, draw_slot, encode_unit, slot_prefix

IDS = [f"unit-{number}".encode() for number in range(200_000)]


def slots(salt: str, purpose: Purpose, ids: list[bytes]) -> np.ndarray:
    prefix = slot_prefix(salt, purpose)
    return np.array([draw_slot(prefix, unit) for unit in ids])


@pytest.mark.parametrize(
    ("text", "digest"),
    [(b"", 0x2D06800538D394C2), (b"a", 0xE6C632B61E964E1F), (b"abc", 0x78AF5F94892F3950)],
)
def test_hash__published_vectors__is_xxh3_64(text: bytes, digest: int) -> None:
    assert xxh3_64_intdigest(text) == digest


def test_draw_slot__salt_purpose_and_unit__are_joined_by_dots() -> None:
    expected = xxh3_64_intdigest("盐.variant.顾客-1".encode()) % 1_000_000

    assert draw_slot(slot_prefix("盐", Purpose.VARIANT), "顾客-1".encode()) == expected


def test_draw_slot__twenty_salts__each_fills_all_parts_evenly() -> None:
    pvalues = []
    for salt in range(20):
        counts = np.bincount(slots(f"salt-{salt}", Purpose.VARIANT, IDS[:100_000]) * 100 // SLOTS, minlength=100)
        pvalues.append(stats.chisquare(counts).pvalue)

    assert min(pvalues) > 0.001 / 20
    assert stats.kstest(pvalues, "uniform").pvalue > 0.001


def test_draw_slot__any_two_purposes_or_salts__are_independent() -> None:
    draws = [slots("first", purpose, IDS) for purpose in Purpose] + [slots("second", Purpose.VARIANT, IDS)]

    for one, other in combinations(draws, 2):
        table = np.histogram2d(one, other, bins=10, range=[[0, SLOTS], [0, SLOTS]])[0]
        assert stats.chi2_contingency(table).pvalue > 1e-4


@pytest.mark.parametrize(
    "unit_id",
    ["", "\0", "a\0b", "\ud800", "a\udfff", "x" * (LONGEST_UNIT_ID + 1), "é" * 5_121, 42, 4.2, True, None, b"a", ["a"]],
)
def test_encode_unit__not_a_valid_id__is_none(unit_id: object) -> None:
    assert encode_unit(unit_id) is None


@given(st.text(min_size=1, max_size=50).filter(lambda text: "\0" not in text))
def test_encode_unit__any_text__is_its_utf8_unchanged(unit_id: str) -> None:
    assert encode_unit(unit_id) == unit_id.encode()


@pytest.mark.parametrize("unit_id", ["x" * LONGEST_UNIT_ID, "é" * 5_120, " ", "trailing "])
def test_encode_unit__longest_and_blank_ids__are_valid(unit_id: str) -> None:
    assert encode_unit(unit_id) == unit_id.encode()
