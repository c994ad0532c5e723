"""Numbers as people read them."""

import pytest

from experiments.analysis.metrics import Aggregation, MetricSpec, What
from experiments.reports import figures
from experiments.reports.figures import Shape
from experiments.vocabulary import MetricKind

VIEWS = Aggregation(("Product Viewed",), What.COUNT)
CLICKS = Aggregation(("Product Clicked",), What.COUNT)
MONEY = Aggregation(("Order Completed",), What.SUM_VALUE)
ITEMS = Aggregation(("Order Completed",), What.SUM_QUANTITY)


@pytest.mark.parametrize(
    ("kind", "numerator", "denominator", "shape"),
    [
        (MetricKind.CONVERSION, Aggregation(("Order Completed",), What.ANY), None, Shape.SHARE),
        (MetricKind.COUNT, VIEWS, None, Shape.NUMBER),
        (MetricKind.SUM, MONEY, None, Shape.MONEY),
        (MetricKind.SUM, ITEMS, None, Shape.NUMBER),
        (MetricKind.RATIO, CLICKS, VIEWS, Shape.SHARE),
        (MetricKind.RATIO, MONEY, VIEWS, Shape.MONEY),
        (MetricKind.RATIO, MONEY, MONEY, Shape.NUMBER),
        (MetricKind.RATIO, ITEMS, VIEWS, Shape.NUMBER),
    ],
)
def test_shape__by_what_is_counted__is_share_money_or_number(
    kind: MetricKind, numerator: Aggregation, denominator: Aggregation | None, shape: Shape
) -> None:
    assert figures.shape_of(MetricSpec("m", 1, kind, numerator, denominator)) is shape


@pytest.mark.parametrize(
    ("values", "decimals"),
    [
        ((0.72,), 3),
        ((7.66,), 2),
        ((72.1,), 1),
        ((721.0,), 0),
        ((0.001, 80.9), 1),
        ((), 0),
        ((None, 0.0), 0),
        ((1e-9,), 6),
    ],
)
def test_decimals__three_significant_digits_of_the_largest(values: tuple[float | None, ...], decimals: int) -> None:
    assert figures.decimals_for(*values) == decimals


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (figures.lift(0.7214, 1), "+72.1%"),
        (figures.lift(-0.0131, 2), "−1.31%"),
        (figures.lift(0.0, 1), "0.0%"),
        (figures.lift(-0.00001, 1), "0.0%"),
        (figures.difference(0.07659, Shape.SHARE, "USD", 2), "+7.66 pp"),
        (figures.difference(-0.77, Shape.MONEY, "USD", 3), "−0.770 USD"),
        (figures.difference(1234.5, Shape.NUMBER, "USD", 0), "+1,234"),
        (figures.level(0.182757, Shape.SHARE, "USD"), "18.28%"),
        (figures.level(1.422617, Shape.MONEY, "EUR"), "1.423 EUR"),
        (figures.level(1500.0, Shape.MONEY, "EUR"), "1,500.00 EUR"),
        (figures.level(0.04, Shape.NUMBER, "EUR"), "0.0400"),
        (figures.level(-3.5, Shape.NUMBER, "EUR"), "−3.50"),
        (figures.total(30311.69, Shape.MONEY, "USD"), "30,311.69 USD"),
        (figures.total(3894.0, Shape.NUMBER, "USD"), "3,894"),
        (figures.count(145_274), "145,274"),
        (figures.percent(0.05), "5%"),
        (figures.percent(0.333333), "33.3333%"),
    ],
)
def test_number__written(written: str, expected: str) -> None:
    assert written == expected


@pytest.mark.parametrize(
    ("p_value", "expected"),
    [(0.0, "< 0.0001"), (1e-12, "< 0.0001"), (0.0030, "0.0030"), (0.0305, "0.030"), (0.19, "0.190"), (1.0, "1.000")],
)
def test_p_value__is_never_written_as_zero(p_value: float, expected: str) -> None:
    assert figures.probability(p_value) == expected


@pytest.mark.parametrize(("step", "found"), [(0.03, 0.05), (1.0, 1.0), (1.2, 2.0), (7.0, 10.0), (230.0, 500.0)])
def test_nice__step__is_the_next_round_one(step, found):
    assert figures.nice(step) == pytest.approx(found)
