import math

import numpy as np
import pytest

from simulation.behaviour import EMPTY, Factors, browse, expected_conversion, react
from simulation.truth import Truth
from tests.simulation.shops import Shop, open_shop

ROUNDS = 400


def slates_of(shop: Shop, kind: str) -> np.ndarray:
    """Return a slate of ten for each shopper: the best items for all, those they like most, or items in disorder."""
    count, quality = len(shop.shoppers), shop.catalogue.quality
    if kind == "bestsellers":
        return np.tile(np.argsort(-quality)[:10], (count, 1))
    if kind == "personal":
        return np.argsort(-shop.liked, axis=1)[:, :10]
    return np.random.default_rng(5).permuted(np.tile(np.arange(len(quality)), (count, 1)), axis=1)[:, :10]


def orders(shop: Shop, slates: np.ndarray, checkout: float = 1.0) -> float:
    """Return the share of visits with an order over ROUNDS visits of every shopper, simulated."""
    generator = np.random.default_rng(9)
    factors = Factors.none(len(shop.shoppers))
    factors.checkout[:] = checkout
    found = [
        react(shop.truth, shop.catalogue, shop.liked, shop.shoppers.activity, slates, factors, generator).ordered.mean()
        for _ in range(ROUNDS)
    ]
    return float(np.mean(found))


@pytest.mark.parametrize("checkout", [1.0, 0.7])
@pytest.mark.parametrize("kind", ["bestsellers", "personal", "disorder"])
def test_expected_conversion__is_what_the_simulation_does_within_binomial_error(kind, checkout):
    shop = open_shop(Truth(items=120, click=0.05))
    slates = slates_of(shop, kind)
    exact = expected_conversion(shop.truth, shop.catalogue, shop.liked, shop.shoppers.activity, slates, checkout)
    error = math.sqrt(float((exact * (1.0 - exact)).sum()) / ROUNDS) / len(exact)
    assert orders(shop, slates, checkout) == pytest.approx(float(exact.mean()), abs=4.0 * error)


def test_expected_conversion__of_a_treatment_of_the_checkout__is_that_factor_for_everybody():
    shop = open_shop()
    shown = (shop.truth, shop.catalogue, shop.liked, shop.shoppers.activity, slates_of(shop, "personal"))
    assert expected_conversion(*shown, 0.7) == pytest.approx(0.7 * expected_conversion(*shown))


def test_expected_conversion__of_what_fits_the_taste__is_above_that_of_bestsellers():
    shop = open_shop(Truth())
    shown = (shop.truth, shop.catalogue, shop.liked, shop.shoppers.activity)
    personal, same = (expected_conversion(*shown, slates_of(shop, kind)).mean() for kind in ("personal", "bestsellers"))
    assert personal > 1.2 * same


def test_expected_conversion__of_an_empty_slate__is_what_shoppers_want_anyway():
    shop = open_shop()
    nothing = np.full((len(shop.shoppers), 10), EMPTY)
    found = expected_conversion(shop.truth, shop.catalogue, shop.liked, shop.shoppers.activity, nothing)
    wanted = np.minimum(0.9, shop.truth.wanting * shop.shoppers.activity)
    assert found == pytest.approx(shop.truth.checkout * wanted)


def test_react__what_is_sold_out__is_looked_at_and_never_put_into_a_cart():
    shop = open_shop(Truth(items=120, out_of_stock=0.5, click=0.5, cart=1.0, wanting=0.9), shoppers=2000)
    slates = slates_of(shop, "disorder")
    done = react(
        shop.truth,
        shop.catalogue,
        shop.liked,
        shop.shoppers.activity,
        slates,
        Factors.none(2000),
        np.random.default_rng(1),
    )
    in_stock = shop.catalogue.in_stock
    assert done.clicked[~in_stock[slates]].any()
    assert not done.carted[~in_stock[slates]].any()
    assert in_stock[done.wanted[done.wanted != EMPTY]].all()
    assert done.carted.any()


def test_react__nothing_in_stock__sells_nothing():
    shop = open_shop(Truth(items=120, out_of_stock=1.0, wanting=0.9))
    slates = slates_of(shop, "bestsellers")
    shown = (shop.truth, shop.catalogue, shop.liked, shop.shoppers.activity, slates)
    done = react(*shown, Factors.none(len(slates)), np.random.default_rng(1))
    assert not done.ordered.any()
    assert done.cents.sum() == 0
    assert expected_conversion(*shown).sum() == 0.0


def test_react__an_order__is_worth_its_lines_and_a_refund_follows_only_an_order():
    shop = open_shop(Truth(items=120, click=0.5, cart=0.5, refunds=0.5), shoppers=2000)
    slates = slates_of(shop, "personal")
    factors = Factors(np.ones(2000), np.full(2000, 1.5), np.ones(2000))
    done = react(
        shop.truth, shop.catalogue, shop.liked, shop.shoppers.activity, slates, factors, np.random.default_rng(2)
    )
    cents = np.rint(shop.catalogue.price * 100).astype(int)
    for place in np.flatnonzero(done.ordered)[:50]:
        lines = [*slates[place][done.carted[place]], *([done.wanted[place]] if done.wanted[place] != EMPTY else [])]
        assert done.cents[place] == done.pieces[place] * sum(cents[item] for item in lines)
    assert (done.cents[~done.ordered] == 0).all()
    assert not (done.refunded & ~done.ordered).any()
    assert done.refunded.sum() == pytest.approx(0.5 * done.ordered.sum(), rel=0.2)
    assert set(np.unique(done.pieces)) == {1, 2}


def test_react__equal_seeds__do_the_same():
    shop = open_shop()
    shown = (shop.truth, shop.catalogue, shop.liked, shop.shoppers.activity, slates_of(shop, "disorder"))
    first, again, other = (react(*shown, Factors.none(500), np.random.default_rng(seed)) for seed in (3, 3, 4))
    assert np.array_equal(first.cents, again.cents)
    assert np.array_equal(first.clicked, again.clicked)
    assert not np.array_equal(first.clicked, other.clicked)


def test_browse__views__fall_on_items_in_proportion_to_the_weights():
    weights = np.array([[1.0, 3.0, 0.0], [0.0, 0.0, 2.0]])
    shopper, item = browse(weights, np.array([40_000, 10]), np.random.default_rng(1))
    assert np.array_equal(np.bincount(shopper), [40_000, 10])
    first = np.bincount(item[shopper == 0], minlength=3) / 40_000
    assert first == pytest.approx([0.25, 0.75, 0.0], abs=0.01)
    assert set(item[shopper == 1]) == {2}


def test_browse__nobody_looks__gives_nothing():
    shopper, item = browse(np.ones((3, 4)), np.zeros(3, dtype=np.int64), np.random.default_rng(1))
    assert len(shopper) == len(item) == 0
