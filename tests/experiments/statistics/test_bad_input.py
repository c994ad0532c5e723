"""Every public function under bad input of the right types: a sound answer, a status with a reason, or a clear error.

A new function is driven as soon as it exists; one that takes arguments of a new kind needs them in
`hostile_arguments`.
"""

import inspect
import math
import pkgutil
import warnings
from collections.abc import Callable
from importlib import import_module
from types import ModuleType

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

import experiments.statistics
from experiments.statistics import arm_posteriors
from experiments.statistics.adjustment import Adjusted
from experiments.statistics.best_arm import potential_value_remaining
from experiments.statistics.exact_tests import conditional_odds
from experiments.statistics.figures import FigureInvalid
from experiments.statistics.final_inference import final_inference
from experiments.statistics.lift import log_interval
from experiments.statistics.means import checked
from experiments.statistics.moments import Moments
from experiments.statistics.one_proportion import agresti_coull, wilson
from experiments.statistics.pair import ArmEstimate, Pair, p_value
from experiments.statistics.proportion_formulas import katz_log, newcombe, wald_difference
from experiments.statistics.proportions import Counts, boschloo_p, fisher_p, lift_interval, miettinen_nurminen
from experiments.statistics.results import (
    Interval,
    IntervalStatus,
    Undefined,
    UndefinedReason,
    bounded,
    undefined,
)
from experiments.statistics.srm import fixed_p
from foundation.errors import DomainError
from tests.experiments.statistics.hostile import assert_sound
from tests.experiments.statistics.hostile_arguments import arguments, assert_names_a_field

EXAMPLES = 20
_SLOW = {"boschloo_p": 6, "barnard_p": 6, "best_points": 10, "wang_tsiatis": 10}
"""Functions that take long by their nature, with how many examples they get."""
KERNELS = {
    "figures": "the checks themselves",
    "results": "constructors of answers",
    "distributions": "tails and quantiles by name; every caller's figures are checked before",
    "recursion": "the integration behind group-sequential bounds, which check information and bounds",
    "boschloo": "the search behind `proportions.boschloo_p`, which checks the counts",
    "regression": "the reference on unit rows that tests compare the moment formulas with",
    "batches": "arrays of checked groups; `test_batches` compares every figure with the one for a single group",
    "batch_adjustment": "as `batches`",
    "batch_counts": "as `batches`",
    "batch_pairs": "as `batches`",
    "batch_ratios": "as `batches`",
    "batch_segments": "as `batches`",
}
"""Modules whose functions are called by others of the package only, with figures that those have checked."""
ENDLESS = frozenset(
    {
        "df",
        "satterthwaite",
        "distance",
        "upper",
        "t_multiplier",
        "difference_z",
        "ratio_z",
        "fieller_g",
        "lan_demets",
        "bounds_for",
        "found_from",
    }
)
"""What is documented to be infinite where it is: degrees of freedom of a normal, bounds that no result reaches, lifts
that no draw finds."""


def modules() -> list[ModuleType]:
    names = [found.name for found in pkgutil.iter_modules(experiments.statistics.__path__)]
    return [import_module(f"experiments.statistics.{name}") for name in names]


def public_functions(module: ModuleType) -> dict[str, Callable[..., object]]:
    return {
        name: found
        for name, found in vars(module).items()
        if not name.startswith("_")
        and getattr(found, "__module__", None) == module.__name__
        and inspect.isfunction(inspect.unwrap(found))
    }


DRIVEN = [
    pytest.param(function, id=f"{short}.{name}")
    for module in modules()
    for short in [module.__name__.rpartition(".")[2]]
    if short not in KERNELS
    for name, function in public_functions(module).items()
]


@pytest.mark.parametrize("function", DRIVEN)
def test_bad_input__any_public_function__answers_soundly_or_says_why_not(function):
    @settings(
        max_examples=_SLOW.get(function.__name__, EXAMPLES),
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(arguments(function))
    def examine(call: tuple[list[object], dict[str, object]]) -> None:
        positional, named = call
        try:
            with warnings.catch_warnings(), np.errstate(all="warn", under="ignore"):
                warnings.simplefilter("error")
                found = function(*positional, **named)
                if inspect.isgenerator(found):
                    found = list(found)
        except DomainError as error:
            assert_names_a_field(error)
        else:
            if isinstance(found, Adjusted):
                found = found.pair
            if isinstance(found, Pair):
                found = checked(found)  # what every caller does before a pair is used
            assert_sound(found, endless=ENDLESS, where=function.__name__)

    examine()


def test_registry__every_module__is_driven_or_says_why_not():
    found = {module.__name__.rpartition(".")[2]: public_functions(module) for module in modules()}
    driven = {param.id.partition(".")[0] for param in DRIVEN}
    assert set(found) == driven | set(KERNELS)
    assert driven.isdisjoint(KERNELS)
    assert all(KERNELS.values())


@pytest.mark.parametrize(
    "unsound",
    [{"value": math.nan}, (math.inf,), {"p_value": 1.5}, bounded(2.0, 1.0), Interval(IntervalStatus.UNBOUNDED)],
)
def test_assert_sound__what_no_answer_may_hold__is_noticed(unsound):
    with pytest.raises(AssertionError):
        assert_sound(unsound)


# What these properties found, one by one.


def test_lift_interval__multiplier_of_zero__is_the_point_alone():
    found = lift_interval(Counts(40, 20, 40, 10), 0.0)
    assert (found.lower, found.upper) == pytest.approx((-0.5, -0.5))
    assert lift_interval(Counts(10**6, 0, 7, 7), 0.0).reason is UndefinedReason.ZERO_CONTROL


def test_boschloo__p_below_the_smallest_float__is_zero_and_no_error():
    assert boschloo_p(Counts(1000, 1000, 1000, 0)) == 0.0


def test_boschloo__no_successes_or_only_successes__is_one_at_once():
    assert boschloo_p(Counts(2000, 0, 2000, 0)) == 1.0
    assert boschloo_p(Counts(2000, 2000, 2000, 2000)) == 1.0


@pytest.mark.parametrize(
    ("test", "counts"), [(boschloo_p, Counts(10**6, 5, 7, 3)), (fisher_p, Counts(*[10**9, 10**8] * 2))]
)
def test_exact_test__more_units_than_anybody_waits_for__is_refused(test, counts):
    with pytest.raises(FigureInvalid, match="too many for an exact test"):
        test(counts)


def test_conditional_odds__more_tables_than_anybody_waits_for__is_refused():
    with pytest.raises(FigureInvalid, match="too many for an exact interval"):
        conditional_odds(Counts(10**6, 5 * 10**5, 10**6, 5 * 10**5), 0.95)


@pytest.mark.parametrize("method", [wald_difference, newcombe, katz_log, miettinen_nurminen])
def test_proportion_formula__arm_without_units__says_so(method):
    assert method(Counts(0, 0, 9, 4), 1.96) == undefined(UndefinedReason.NO_DATA)


def test_katz_log__arm_without_successes__says_so():
    assert katz_log(Counts(9, 0, 9, 4), 1.96) == undefined(UndefinedReason.ZERO_CONTROL)


@pytest.mark.parametrize("interval", [wilson, agresti_coull])
def test_one_rate__no_units__says_so(interval):
    assert interval(0, 0, 1.96) == undefined(UndefinedReason.NO_DATA)


def test_log_interval__upper_end_beyond_the_floats__has_none():
    pair = Pair(ArmEstimate(7, 7.0, 0.0), ArmEstimate(7, 7.0, 1e30))
    found = log_interval(pair, 1.96)
    assert (found.lower, found.upper, found.reason) == (-1.0, None, UndefinedReason.CONTROL_TOO_NOISY)


def test_transform__rounding_below_zero__keeps_sums_of_squares_at_zero():
    scatter = np.array([[1.0, 1.0 / 3.0], [1.0 / 3.0, 1.0 / 9.0 - 1e-17]])
    arm = Moments(9, ("y", "d"), np.array([3.0, 1.0]), scatter)
    assert arm.transform(("y",), np.array([[1.0, -3.0]])).scatter[0, 0] >= 0.0


def test_fixed_p__share_that_rounds_to_one__is_still_tested():
    found = fixed_p([0, 1], [1e15, 1e-9])
    assert isinstance(found, float)
    assert 0.0 < found < 1e-20


def test_potential_value_remaining__rate_next_to_zero__has_no_end():
    arms = [arm_posteriors.BetaArm(1e-3, 1e6), arm_posteriors.BetaArm(1e6, 1.0)]
    assert potential_value_remaining(arms, 0) == Undefined(UndefinedReason.ZERO_CONTROL)


def test_p_value__pair_without_variance__is_refused():
    with pytest.raises(FigureInvalid, match="variance"):
        p_value(Pair(ArmEstimate(9, 1.0, 0.0), ArmEstimate(9, 2.0, 0.0)))


def test_final_inference__statistic_far_beyond_any_data__is_refused_in_no_time():
    with pytest.raises(FigureInvalid, match="z: must be within"):
        final_inference((2e40,), (), 1.4e17)
