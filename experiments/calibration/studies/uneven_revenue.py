"""Revenue under an uneven split: what each standard error does to size and power."""

import math
from collections.abc import Iterator, Sequence
from functools import partial

import numpy as np

from experiments.calibration import plans
from experiments.calibration.figures import counted
from experiments.calibration.populations import CAP_CENTS, money, split_of
from experiments.calibration.records import Result, Setting, Study, Tally, Target
from experiments.calibration.watching import first_comparison, single
from experiments.statistics.distributions import t_sf
from experiments.statistics.means import restricted, welch
from experiments.statistics.moments import Moments
from experiments.statistics.pair import Pair
from experiments.statistics.results import Undefined

UNITS = 20_000
LIFT = 0.5
_RULES = ("welch", "restricted", "product")


def studies() -> tuple[Study, ...]:
    """Return the study of the standard error for uneven revenue."""
    return (
        Study(
            "uneven-revenue",
            "Which standard error for revenue and uneven splits",
            f"{UNITS:,} units, 3% buy for log-normal amounts, one look, two-sided 5%. Welch uses each arm's own "
            "variance; restricted the variance that both arms would share without an effect; the product whichever is "
            f"larger, once the split is more uneven than 1:2. Power is for amounts that are {LIFT:.0%} higher in the "
            "treatment. The last setting has no effect on the mean, but amounts that vary more in the treatment: there "
            "the restricted error alone is too small.",
            tuple(_settings()),
        ),
    )


def _settings() -> Iterator[Setting]:
    for capped in (True, False):
        for shares in ((50, 50), (80, 20), (90, 10)):
            name = f"{shares[0]}/{shares[1]}, {'capped' if capped else 'without a cap'}"
            yield Setting(
                f"{name}, no effect",
                partial(uneven, shares, capped, "none"),
                partial(_evaluate, Target(high=0.06)),
                reduced=300 if shares == (90, 10) and capped else 0,
                full=10_000,
                block=300,
            )
            if shares != (80, 20):
                yield Setting(
                    f"{name}, power",
                    partial(uneven, shares, capped, "lift"),
                    partial(_evaluate, None),
                    reduced=0,
                    full=4_000,
                    block=300,
                )
    yield Setting(
        "90/10, no effect on the mean, half the buyers spend twice as much in the treatment",
        partial(uneven, (90, 10), True, "shape"),
        partial(_evaluate, Target(high=0.06)),
        reduced=0,
        full=10_000,
        block=300,
    )


def uneven(shares: tuple[int, int], capped: bool, effect: str, rng: np.random.Generator, replicates: int) -> Tally:
    """Return how often each rule claims that the treatment is lower, and higher."""
    split = split_of(UNITS, shares)
    plan = plans.one_look(plans.decision(plans.revenue(cap_cents=CAP_CENTS if capped else None)))
    factor, buyers = {"none": (1.0, 0.03), "lift": (1.0 + LIFT, 0.03), "shape": (2.0, 0.015)}[effect]
    control = money(rng, np.full((replicates, 1), split.control), uncapped=not capped)
    treatment = money(rng, np.full((replicates, 1), split.treatment), factor=factor, uncapped=not capped, buyers=buyers)
    found = {f"{rule}_{side}": 0 for rule in _RULES for side in ("lower", "higher")}
    for r in range(replicates):
        sums = {
            ("revenue", "control"): control.at(r, 0, split.control),
            ("revenue", "treatment"): treatment.at(r, 0, split.treatment),
        }
        card, _verdict = single(plan, sums, weights=split.weights)
        p = first_comparison(card).p_value
        arms = [Moments.from_power_sums(each).select(("y",)) for each in sums.values()]
        pair = welch(arms[0], arms[1])
        if isinstance(pair, Undefined):
            continue
        side = "higher" if pair.difference > 0.0 else "lower"
        found[f"welch_{side}"] += _significant(pair, pair.variance)
        null = restricted(pair, arms[0], arms[1]).restricted
        assert null is not None
        found[f"restricted_{side}"] += _significant(pair, null.null_variance(pair.difference))
        found[f"product_{side}"] += p is not None and p < 0.05
    return Tally(found)


def _significant(pair: Pair, variance: float) -> bool:
    return 2.0 * t_sf(abs(pair.difference) / math.sqrt(variance), pair.df) < 0.05


def _evaluate(size: Target | None, found: Tally, replicates: int) -> Sequence[Result]:
    results = []
    for rule, target in (("welch", None), ("restricted", None), ("product", size)):
        both = Tally({rule: found.count(f"{rule}_lower") + found.count(f"{rule}_higher")})
        results.append(counted(both, rule, replicates, rule, target))
        results.append(counted(found, f"{rule}_lower", replicates, f"{rule}, lower"))
    return results
