"""Winner's curse: effects that are reported because they were significant."""

from collections.abc import Iterator, Sequence
from functools import partial

import numpy as np

from experiments.calibration.figures import counted, ratio_of_totals, share
from experiments.calibration.records import Result, Scale, Setting, Study, Tally, Target
from experiments.statistics.distributions import normal_isf
from experiments.statistics.empirical_bayes import empirical_prior
from experiments.statistics.results import Undefined
from experiments.statistics.selection import conditional_effect, portfolio_total, shrunk_total

Z = normal_isf(0.025)
EXPERIMENTS = 60


def studies() -> tuple[Study, ...]:
    """Return the study of selected effects."""
    return (
        Study(
            "winners-curse",
            "Effects that were selected because they were significant",
            "Single effects: among the significant, holds is the coverage of the conditional 95% interval, naive that "
            "of the ordinary one. Portfolios: 60 experiments whose true effects are normal, with standard deviation as "
            "large as the standard error; the total of the significant ones. Shrunk and Lee-Shen are what is left of "
            "the naive total's bias, as a share of it, after shrinking each effect towards the prior that the "
            "experiments themselves teach, and after the plug-in correction.",
            (*_singles(), *_portfolios()),
        ),
    )


def _singles() -> Iterator[Setting]:
    for effect in (0.0, 1.0, 2.0, 4.0):
        yield Setting(
            f"true effect of {effect:.0f} standard errors",
            partial(conditional, effect),
            _evaluate_single,
            reduced=10_000 if effect else 0,
            full=100_000 if effect else 400_000,
            block=10_000,
        )


def _portfolios() -> Iterator[Setting]:
    for centre in (0.0, 0.5):
        yield Setting(
            f"60 experiments, effects around {centre}",
            partial(portfolio, centre),
            _evaluate_portfolio,
            reduced=500,
            full=10_000,
            block=500,
        )


def conditional(effect: float, rng: np.random.Generator, replicates: int) -> Tally:
    """Return how often intervals of significant increases hold the true effect."""
    found = {"significant": 0, "inside": 0, "naive": 0}
    for x in rng.normal(effect, 1.0, replicates):
        if x <= Z:
            continue
        corrected = conditional_effect(float(x), 1.0, Z)
        found["significant"] += 1
        found["inside"] += corrected.lower <= effect <= corrected.upper
        found["naive"] += abs(float(x) - effect) <= Z
    return Tally(found)


def _evaluate_single(found: Tally, replicates: int) -> Sequence[Result]:
    selected = found.count("significant")
    return (
        share("holds", found.count("inside"), selected, Target(low=0.95)),
        share("naive holds", found.count("naive"), selected),
        counted(found, "significant", replicates, "significant"),
    )


def portfolio(centre: float, rng: np.random.Generator, replicates: int) -> Tally:
    """Return the bias of the total of the significant effects: naive, shrunk, and with the plug-in correction."""
    naive, shrunk, plug_in = (np.zeros(replicates) for _ in range(3))
    errors = [1.0] * EXPERIMENTS
    for replicate in range(replicates):
        truth = rng.normal(centre, 1.0, EXPERIMENTS)
        seen = [float(x) for x in truth + rng.normal(0.0, 1.0, EXPERIMENTS)]
        total = portfolio_total(seen, errors, Z)
        prior = empirical_prior(seen, errors)
        assert not isinstance(prior, Undefined)
        right = float(truth[list(total.selected)].sum())
        naive[replicate] = total.naive - right
        plug_in[replicate] = total.adjusted - right
        shrunk[replicate] = shrunk_total(seen, errors, Z, prior.prior) - right
    return Tally({}, {"naive": naive, "shrunk": shrunk, "plug_in": plug_in})


def _evaluate_portfolio(found: Tally, replicates: int) -> Sequence[Result]:
    assert replicates > 0
    naive = found.values["naive"]
    return (
        ratio_of_totals("shrunk", found.values["shrunk"], naive, Target(-0.1, 0.1), Scale.SHARE),
        ratio_of_totals("Lee-Shen", found.values["plug_in"], naive, None, Scale.SHARE),
    )
