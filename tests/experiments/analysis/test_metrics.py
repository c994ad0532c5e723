import pytest

from experiments.analysis.metrics import Aggregation, MetricInvalid, MetricSpec, What, divisors, variables
from experiments.vocabulary import MetricKind, Source
from tests.experiments.analysis.builders import conversion, ratio, revenue

CAPPED = revenue(cap_micros=500_000_000, covariate_days=28)


@pytest.mark.parametrize("spec", [conversion(), CAPPED, ratio(covariate_days=14, window_hours=24)])
def test_to_dict__and_back__is_the_same(spec):
    assert MetricSpec.from_dict(spec.to_dict()) == spec


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"schema": 9}, "MetricSpec.schema: 9 is not one of 1"),
        ({"window_hours": 25}, "MetricSpec: window_hours: must be a positive multiple of 24, not 25"),
        ({"window_hours": "x"}, "MetricSpec: Expected `int`, got `str` - at `$.window_hours`"),
        ({"windows": 24}, "windows: is not a field of a metric"),
        (
            {"numerator": {"events": [], "what": "COUNT"}},
            "MetricSpec: events: name at least one event - at `$.numerator`",
        ),
        ({"numerator": {"events": ["a"], "what": "ANY"}}, "MetricSpec: numerator: a SUM metric cannot take ANY"),
        ({"kind": "RATIO"}, "MetricSpec: denominator: a RATIO needs one and no other kind has one"),
        ({"cap_micros": 0}, "MetricSpec: cap_micros: must be above 0, not 0"),
        ({"covariate_days": -1}, "MetricSpec: covariate_days: must be 0 or more, not -1"),
        ({"version": 0}, "MetricSpec: version: must be 1 or more, not 0"),
        ({"key": ""}, "MetricSpec: key: must not be empty"),
    ],
)
def test_from_dict__wrong_field__is_named_on_one_line(change, message):
    with pytest.raises(MetricInvalid) as caught:
        MetricSpec.from_dict(revenue().to_dict() | change)
    assert caught.value.message == message
    assert "\n" not in message


def test_aggregation__event_named_twice__is_refused():
    with pytest.raises(ValueError, match="each event is named once"):
        Aggregation(("a", "a"), What.ANY)


def test_conversion__capped__is_refused():
    with pytest.raises(ValueError, match="has no cap"):
        conversion(cap_micros=1)


@pytest.mark.parametrize(
    ("spec", "source", "names"),
    [
        (conversion(), Source.OWN, ["y"]),
        (CAPPED, Source.OWN, ["y", "y_uncapped", "x"]),
        (CAPPED, Source.EXTERNAL, ["y", "y_uncapped", "x", "m"]),
        (ratio(covariate_days=7), Source.OWN, ["y", "d", "x", "x_d"]),
        (ratio(covariate_days=7), Source.AGGREGATE, ["y", "d", "x", "x_d", "m"]),
        (ratio(), Source.EXTERNAL, ["y", "d"]),
    ],
)
def test_variables__spec_and_source__come_in_order(spec, source, names):
    assert [variable.name for variable in variables(spec, source=source)] == names


def test_divisors__money__are_micro_units_except_the_indicator():
    assert divisors(CAPPED, source=Source.EXTERNAL) == {"y": 10**6, "y_uncapped": 10**6, "x": 10**6, "m": 1}
    assert [variable.scale for variable in variables(CAPPED)] == [1e-6, 1e-6, 1e-6]


def test_cap_units__counts__are_whole_units():
    items = MetricSpec("items", 1, MetricKind.COUNT, Aggregation(("a",), What.COUNT), cap_micros=20_000_000)
    assert (CAPPED.cap_units, items.cap_units, conversion().cap_units) == (500_000_000, 20, None)
