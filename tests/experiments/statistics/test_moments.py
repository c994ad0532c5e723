import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments.statistics.moments import Moments, MomentsInvalid, PowerSums
from tests.experiments.statistics.units import exact_sums, sample

VALUES = st.lists(st.tuples(st.integers(-(10**12), 10**12), st.integers(-50, 50)), min_size=1, max_size=30)


def test_from_power_sums__money_far_from_zero__keeps_every_digit():
    values = [10**15 + 1, 10**15 + 2, 10**15 + 3]
    found = Moments.from_power_sums(exact_sums(("y",), values), {"y": 10**6})
    assert found.mean[0] == 1_000_000_000.000002
    assert found.scatter[0, 0] == 2e-12
    assert found.third == 0.0
    assert found.variance("y") == 1e-12


@given(VALUES, VALUES)
def test_merge__two_sets_of_units__equals_the_sums_of_all(left, right):
    columns = (
        [list(column) for column in zip(*left, strict=True)],
        [list(column) for column in zip(*right, strict=True)],
    )
    a, b = (exact_sums(("y", "x"), *column) for column in columns)
    together = Moments.from_power_sums(exact_sums(("y", "x"), *[p + q for p, q in zip(*columns, strict=True)]))
    assert a.merge(b) == exact_sums(("y", "x"), *[p + q for p, q in zip(*columns, strict=True)])
    merged = Moments.from_power_sums(a).merge(Moments.from_power_sums(b))
    scale = float(np.abs(together.scatter).max()) + float(np.abs(together.mean).max()) ** 2 + 1.0
    assert np.allclose(merged.mean, together.mean, rtol=1e-12, atol=1e-9 * (1.0 + np.abs(together.mean).max()))
    assert np.allclose(merged.scatter, together.scatter, rtol=1e-9, atol=1e-12 * scale)
    assert merged.third == pytest.approx(together.third, rel=1e-6, abs=1e-9 * scale**1.5)
    assert merged.nonzero == together.nonzero


@given(VALUES, st.randoms(use_true_random=False))
def test_power_sums__rows_in_another_order__are_equal(rows, random):
    shuffled = list(rows)
    random.shuffle(shuffled)
    first, second = (exact_sums(("y", "x"), *zip(*order, strict=True)) for order in (rows, shuffled))
    assert first == second


def test_from_text__decimal_text__gives_exact_integers():
    found = PowerSums.from_text(
        n="2", names=["y"], sums=["30000000000000000000"], products=["450" + "0" * 36], cubes="7"
    )
    assert found.sums == (3 * 10**19,)
    assert found.cubes == 7


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"n": -1}, "n: must be 0 or more, not -1"),
        ({"sums": (1, 2)}, "sums: needs 1 values, has 2"),
        ({"products": ()}, "products: needs 1 values, has 0"),
        ({"names": ()}, "names: must be distinct and not empty, not ()"),
        ({"nonzero": (1, 2)}, "nonzero: needs 1 values or none, has 2"),
        ({"products": (8,)}, "y: the sum of squares is smaller than its sum allows"),
    ],
)
def test_power_sums__impossible__says_what_is_wrong(fields, message):
    with pytest.raises(MomentsInvalid) as caught:
        PowerSums(**{"n": 1, "names": ("y",), "sums": (3,), "products": (9,), **fields})
    assert caught.value.message == message


def test_from_text__not_a_whole_number__is_refused():
    with pytest.raises(MomentsInvalid, match=r"sums: '1\.5' is not a whole number"):
        PowerSums.from_text(n=1, names=["y"], sums=["1.5"], products=["3"])


def test_from_power_sums__no_units__has_no_third_moment():
    found = Moments.from_power_sums(PowerSums.zero(("y", "x")))
    assert (found.n, found.third, found.skewness()) == (0, None, None)


def test_from_power_sums__beyond_floats__is_refused():
    with pytest.raises(MomentsInvalid, match="too large"):
        Moments.from_power_sums(exact_sums(("y",), [10**200, 2 * 10**200]))


def test_skewness__known_values__is_the_standardised_third_moment():
    assert sample([0.0, 0.0, 0.0, 1.0]).skewness() == pytest.approx(1.1547005383792515)
    assert sample([2.0, 2.0]).skewness() is None


def test_select_and_transform__linear_maps__keep_the_moments():
    y, x = [1.0, 4.0, 9.0], [2.0, 3.0, 7.0]
    both = sample(y, x, names=("y", "x"))
    assert both.select(("x",)).mean_of("x") == 4.0
    assert both.select(("x",)).third is None
    mapped = both.transform(("s",), np.array([[1.0, -2.0]]), np.array([5.0]))
    direct = sample([a - 2.0 * b + 5.0 for a, b in zip(y, x, strict=True)])
    assert mapped.mean_of("s") == pytest.approx(direct.mean_of("y"))
    assert mapped.variance("s") == pytest.approx(direct.variance("y"))


def test_moments__arrays__cannot_be_changed():
    with pytest.raises(ValueError, match="read-only"):
        Moments.from_power_sums(exact_sums(("y",), [1, 2])).mean[0] = 3.0
