"""How to call any public function with bad input of the right types.

Arguments are drawn by parameter: by its name where that says what it is (`alpha`, `weights`), else by its type.
"""

import inspect
import math
import re
import types
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Union, get_args, get_origin

import numpy as np
from hypothesis import strategies as st

from experiments.statistics import adaptive, arm_posteriors, clusters, designs, posterior, switchback_design
from experiments.statistics.decomposition import SalesTotals
from experiments.statistics.futility import SpendingRule
from experiments.statistics.moments import Moments, MomentsInvalid
from experiments.statistics.pair import ArmEstimate, Pair, Restricted
from experiments.statistics.proportions import Counts
from experiments.statistics.quantile_sequences import Mixture
from experiments.statistics.quantiles import QuantileArm
from experiments.statistics.randomisation import Units
from experiments.statistics.results import (
    Alternative,
    Undefined,
    UndefinedReason,
    bounded,
    unbounded,
    undefined,
)
from experiments.statistics.spending import Spending
from foundation.errors import DomainError
from tests.experiments.statistics.hostile import COUNTS, FLOATS, LEVELS, unit_rows
from tests.experiments.statistics.hostile_cells import CELLS_OF_MODULES


def built(kind: Callable[..., object], *parts: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Draw a record, or the error that its construction raises."""

    def make(given_parts: tuple[object, ...]) -> object:
        try:
            return kind(*given_parts)
        except DomainError as error:
            assert_names_a_field(error)
            return None

    return st.tuples(*parts).map(make).filter(lambda found: found is not None)


def assert_names_a_field(error: DomainError) -> None:
    assert re.match(r"[a-z_0-9]+( (and|of) [^:]+|, [^:]+)*: .", error.message), error.message
    assert error.hint, error.code


FIGURES = FLOATS.filter(math.isfinite)
COLUMNS = st.one_of(
    st.lists(st.sampled_from([0.0, 1.0]), max_size=30),
    st.lists(st.sampled_from([0.0, 1e15, 1e15 + 1.0, -1e15]), max_size=12),
    st.lists(st.floats(-1e3, 1e3), min_size=100, max_size=140),
    st.lists(st.sampled_from([1e300, -1e300, 1e-300, 0.0]), max_size=12),
    st.lists(FLOATS, max_size=5),
    st.lists(st.just(-2.5), max_size=200),
)
WHOLES = st.one_of(COUNTS, st.sampled_from([-1, -(10**9)]))
SMALL = st.sampled_from([0, 1, 2, 3, 5, 40, -1])
SHARES = st.lists(LEVELS, max_size=6)
ARM = COUNTS.flatmap(lambda n: st.tuples(st.just(n), st.sampled_from(sorted({0, min(1, n), n // 2, n}))))
COUNTED = st.tuples(ARM, ARM).map(lambda arms: Counts(*arms[0], *arms[1]))


@st.composite
def moments(draw, names: tuple[str, ...] = ("y", "d", "x", "x_d", "m")) -> Moments:
    try:
        return Moments.from_power_sums(draw(unit_rows(names, rates=frozenset({"m"}))))
    except MomentsInvalid:
        return draw(moments(names))


VARIANCES = st.sampled_from([0.0, 1.0, 1e-4, 1e30, 1e-300, 1e300])
ESTIMATES = st.builds(ArmEstimate, COUNTS, FIGURES, VARIANCES)
PAIRS = st.builds(
    Pair,
    ESTIMATES,
    ESTIMATES,
    st.sampled_from([0.0, 0.0, 1e-6]),
    st.sampled_from([math.inf, 1.0, 1.5, 1e9]),
    st.one_of(st.none(), st.builds(Restricted, VARIANCES, VARIANCES, st.sampled_from([2, 3, 1000]))),
)
INTERVALS = st.one_of(
    st.just(undefined(UndefinedReason.NO_DATA)),
    st.sampled_from([unbounded(UndefinedReason.CONTROL_TOO_NOISY), unbounded(UndefinedReason.ZERO_CONTROL, lower=1.0)]),
    st.tuples(st.floats(-9, 9), st.floats(0, 9)).map(lambda ends: bounded(ends[0], ends[0] + ends[1])),
)
PROBABILITIES = st.integers(0, 4).flatmap(
    lambda k: st.lists(
        st.sampled_from([[0.5, 0.5], [1.0, 0.0], [1e-9, 1.0 - 1e-9], [math.nan, 1.0], [0.3]]), min_size=k, max_size=k
    )
)
BETAS = built(arm_posteriors.BetaArm, *[st.sampled_from([1.0, 0.5, 40.0, 1e6, 1e15, 1e-6])] * 2)
NORMALS = built(arm_posteriors.NormalArm, FIGURES, st.sampled_from([1.0, 1e-9, 1e15]))
BASELINES = st.one_of(
    built(designs.conversion, st.one_of(LEVELS, FLOATS)),
    built(designs.Baseline, FLOATS.map(abs), FLOATS.map(abs)),
    st.just(designs.conversion(0.04)),
)
LOOKS = st.sampled_from(
    [
        designs.Looks(),
        designs.Looks(designs.Watching.GROUP_SEQUENTIAL, 4),
        designs.Looks(designs.Watching.CONFIDENCE_SEQUENCE, 3),
    ]
)
DESIGNS = built(
    lambda baseline, treatments, share, alpha, power, looks: designs.Design(
        baseline, treatments, share, alpha, power, looks=looks
    ),
    BASELINES,
    st.sampled_from([1, 3, 0]),
    st.one_of(st.none(), LEVELS),
    st.sampled_from([0.05, 1e-12, 0.49, 0.0]),
    st.sampled_from([0.8, 0.999999, 1.0]),
    LOOKS,
)
COINS = st.integers(1, 30).flatmap(
    lambda periods: st.builds(
        switchback_design.CoinDesign,
        st.just(periods),
        st.sets(st.integers(2, max(2, periods)), max_size=9).map(
            lambda more: (1, *sorted(point for point in more if point <= periods))
        ),
        st.sampled_from([0.5, 1e-9, 0.999]),
    )
)


@st.composite
def schedules(draw) -> dict[str, object]:
    design = draw(COINS)
    seed = draw(st.integers(0, 9))
    drawn = design.draw(np.random.default_rng(seed), 9)
    m = draw(st.sampled_from([0, 0, 1, 2, 40, -1]))
    inside = min(max(0, m), design.periods - 1)
    return {
        "design": design,
        "y": draw(st.one_of(st.lists(FIGURES, min_size=design.periods, max_size=design.periods), COLUMNS)),
        "assignment": drawn[0],
        "redrawn": drawn[1:],
        "assignments": drawn,
        "carry_over": m,
        "season": np.arange(design.periods) % 3,
        "propensities": switchback_design.coin_propensities(design, inside),
    }


@st.composite
def logs(draw) -> dict[str, object]:
    """Draw a log of decisions, and the scores of one that can be."""
    rows = draw(PROBABILITIES)
    arms = draw(st.lists(st.integers(-1, 2), min_size=len(rows), max_size=len(rows)))
    values = draw(st.lists(st.one_of(FIGURES, FLOATS), min_size=len(rows), max_size=len(rows)))
    steps = draw(st.integers(1, 12))
    allowed = np.random.default_rng(steps).dirichlet([1.0, 1.0], size=steps)
    rewards = draw(st.lists(st.sampled_from([0.0, 1.0, -2.0, 1e15, 1e15 + 1.0, 1e100]), min_size=steps, max_size=steps))
    data = adaptive.aipw_scores(rewards, [i % 2 for i in range(steps)], allowed)
    return {"rewards": values, "arms": arms, "probabilities": rows, "data": data}


BY_NAME: dict[str, st.SearchStrategy[Any]] = {
    "alpha": LEVELS,
    "beta": LEVELS,
    "level": LEVELS,
    "nu": LEVELS,
    "power": LEVELS,
    "wanted": LEVELS,
    "share": LEVELS,
    "p": LEVELS,
    "quantile": LEVELS,
    "percentile": LEVELS,
    "leader": LEVELS,
    "p_values": st.lists(LEVELS, max_size=6),
    "e_values": st.lists(FLOATS, max_size=6),
    "weights": st.lists(st.sampled_from([0.0, 1.0, 0.5, 1e15, 1e-300, -1.0, math.nan]), max_size=5),
    "loadings": st.lists(LEVELS, max_size=5).map(tuple),
    "information": st.lists(st.sampled_from([0.0, 0.3, 1.0, 1.0, 0.7, 1e-300, 1e300, -1.0, math.nan]), max_size=4).map(
        tuple
    ),
    "bounds": st.lists(st.sampled_from([2.0, 0.0, math.inf, -3.0, math.nan]), max_size=4).map(tuple),
    "names": st.sampled_from([(), ("x",), ("x", "m"), ("m",), ("x", "x_d", "m")]),
    "covariates": st.sampled_from([(), ("x",), ("x", "m"), ("x", "x_d", "m")]),
    "variable": st.just("y"),
    "probabilities": st.sampled_from(
        [np.zeros((0, 2)), np.array([[0.5, 0.5], [1.0, 0.0]]), np.array([[math.nan, 1.0]]), np.array([[2.0, -1.0]])]
    ),
    "strata": st.lists(PAIRS, max_size=3),
    "lower": st.one_of(st.none(), st.lists(st.sampled_from([-2.0, -math.inf, math.nan]), max_size=4).map(tuple)),
    "cells": st.sampled_from([np.zeros(0), np.array([0.0, -3.0, 1e15]), np.zeros((2, 3))]),
    "rng": st.integers(0, 9).map(np.random.default_rng),
    "draws": st.sampled_from([1, 20, 0, -1]),
    "treatments": SMALL,
    "q": st.sampled_from([0.0, 1.96, 6.0, 1e3, -1.0, math.nan, math.inf]),
    "multiplier": st.sampled_from([lambda _: 1.96, lambda _: math.inf, lambda _: 0.0]),
}


MASKS = st.integers(0, 5).map(lambda rows: np.arange(rows * 9).reshape(rows, 9) % 2 == 0)
CELLS = st.sampled_from([np.zeros((0, 2), np.int64), np.array([[0, 0], [10**15, 1], [3, 4]], np.int64)])
BY_TYPE: dict[str, st.SearchStrategy[Any]] = {
    "float": FLOATS,
    "bool": st.booleans(),
    "str": st.just("column"),
    "int": st.one_of(WHOLES, SMALL),
    "Counts": COUNTED,
    "Moments": moments(),
    "Pair": PAIRS,
    "ArmEstimate": ESTIMATES,
    "Interval": INTERVALS,
    "UndefinedReason": st.sampled_from(UndefinedReason),
    "Undefined": st.just(Undefined(UndefinedReason.NO_DATA)),
    "Alternative": st.sampled_from(Alternative),
    "Spending": st.sampled_from(Spending),
    "SpendingRule": st.builds(SpendingRule, st.sampled_from(Spending), st.one_of(st.none(), FIGURES)),
    "Weighting": st.sampled_from(adaptive.Weighting),
    "ArrayLike": COLUMNS,
    "Vector": COLUMNS.map(lambda column: np.asarray(column, dtype=float)),
    "Mixture": st.builds(Mixture.tuned, st.sampled_from([0.5, 0.999, 1e-6]), st.sampled_from([1.0, 1e9])),
    "QuantileArm": st.builds(QuantileArm, COUNTS, FIGURES, FIGURES, FIGURES),
    "ClusterTotals": built(
        lambda rows: (
            clusters.ClusterTotals.from_rows(*zip(*rows, strict=True))
            if rows
            else clusters.ClusterTotals(np.zeros((0, 2)), np.zeros((0, 2)))
        ),
        st.lists(
            st.tuples(st.integers(0, 12), st.integers(0, 1), st.sampled_from([0.0, 1.0, 1e15, -1e300])), max_size=40
        ),
    ),
    "Units": built(
        lambda sums, size: Units(np.array(sums), np.full(len(sums), size)),
        st.lists(FIGURES, max_size=9),
        st.sampled_from([1.0, 40.0]),
    ),
    "SalesTotals": built(SalesTotals, WHOLES, WHOLES, FIGURES),
    "NormalPrior": built(posterior.NormalPrior, FLOATS, FLOATS.map(abs)),
    "ArmPosterior": BETAS,
    "BetaArm": BETAS,
    "Design": DESIGNS,
    "Looks": LOOKS,
}


def arguments(function: Callable[..., object]) -> st.SearchStrategy[tuple[list[object], dict[str, object]]]:
    """Return how to call a function: positional parts first, keywords by name."""
    signature = inspect.signature(function)
    mine = dict(signature.parameters)

    @st.composite
    def drawn(draw) -> tuple[list[object], dict[str, object]]:
        shared = dict[str, object]()
        if function.__module__.endswith(("switchback", "switchback_design")):
            shared = draw(schedules())
        elif (module := function.__module__.rpartition(".")[2]) in CELLS_OF_MODULES:
            shared = draw(built(*CELLS_OF_MODULES[module]))
        elif module == "adaptive":
            shared = draw(logs())
            if "rewards" not in mine:
                shared.pop("probabilities")
        positional, named = list[object](), dict[str, object]()
        for name, parameter in mine.items():
            if name in shared:
                found = shared[name]
            elif parameter.kind is parameter.VAR_POSITIONAL:
                positional.extend(draw(st.lists(COLUMNS, max_size=3)))
                continue
            else:
                found = draw(strategy_of(name, parameter))
            if parameter.kind is parameter.KEYWORD_ONLY:
                named[name] = found
            else:
                positional.append(found)
        return positional, named

    return drawn()


def strategy_of(name: str, parameter: inspect.Parameter) -> st.SearchStrategy[Any]:
    known = name in BY_NAME and NEEDED.get(name, "") in str(parameter.annotation)
    found = BY_NAME[name] if known else by_type(parameter.annotation)
    return found if parameter.default is parameter.empty else st.one_of(st.just(parameter.default), found)


NEEDED = {"multiplier": "Callable", "lower": "tuple", "strata": "Pair"}
"""Names that mean something else where the parameter's type is another."""


def by_type(kind: Any) -> st.SearchStrategy[Any]:
    """Return what a parameter of a type may be given."""
    inner, outer = get_args(kind), get_origin(kind)
    if "_SupportsArray" in str(kind):  # ArrayLike, alone or with None
        found = COLUMNS
    elif kind is types.NoneType:
        found = st.none()
    elif outer in (Union, types.UnionType):
        found = st.one_of(*map(by_type, inner))
    elif outer is np.ndarray:
        found = {np.bool_: MASKS, np.int64: CELLS}.get(get_args(inner[1])[0], BY_TYPE["Vector"])
    elif outer is tuple and inner[-1] is not ...:
        found = st.tuples(*map(by_type, inner))
    elif outer in (tuple, Sequence, Iterable):
        found = st.lists(by_type(inner[0]), max_size=4)
    else:
        found = BY_TYPE[kind.__name__]
    return found.map(tuple) if outer is tuple else found
