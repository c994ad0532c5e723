"""The tables of Open Bandit: how well clicks are predicted, and what policies would have earned."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from decisions.domain_reports import Table, Tell
from decisions.domains.ad_placement.training import logistic
from decisions.domains.ad_placement.training.contenders import (
    LOGISTIC,
    NETWORK,
    SEED,
    constant_rates,
    tuned_recipe,
    tuned_simple,
)
from decisions.domains.ad_placement.training.dataset import AdData
from decisions.domains.ad_placement.training.figures import smoothed_rates
from decisions.domains.ad_placement.training.off_policy import PolicyValue, policy_value
from decisions.domains.ad_placement.training.open_bandit import Bandit, by_position
from decisions.domains.ad_placement.training.report_cells import calibration_cell, estimate_cell, fit_cells
from decisions.policy import Indices
from models_registry.pipeline import checked_parameters

TEST_SHARE = 0.3
LEARN_SHARE = 0.5

Floats = npt.NDArray[np.float64]


def click_table(logs: Sequence[Bandit], *, trials: int, tell: Tell) -> Table:
    """Return how likely the later clicks of each log are under each contender."""
    rows = []
    for log in logs:
        judging, tuning = log.split(TEST_SHARE), _before(log)
        constant = constant_rates(judging)
        contenders = {
            "constant rate": (constant, ""),
            "rate of each item": (smoothed_rates(judging.learnt, log.count)[judging.judged.items], ""),
        }
        simple = tuned_simple(np.eye(log.count), tuning, judging)
        contenders["logistic regression on the item"] = (simple.rates, simple.parameters)
        for name, grid in (("hashed_logistic", LOGISTIC), ("hashed_network", NETWORK)):
            found = tuned_recipe(name, tuning, judging, trials=grid[:trials], tell=tell)
            contenders[name] = (found.rates, found.parameters)
        clicks = f"{judging.judged.clicked.sum():.0f} of {len(judging.judged):,}"
        rows += [
            (log.name, name, clicks, *fit_cells(rates, constant, judging), calibration_cell(rates, judging), chosen)
            for name, (rates, chosen) in contenders.items()
        ]
    headers = ("log", "model", "clicks", "log-loss", "gain over constant, 1/1000", "AUC", "expected/observed", "tuned")
    return Table("Open Bandit: clicks", "", headers, tuple(rows))


def value_table(logs: Sequence[Bandit], *, tell: Tell) -> Table:
    """Return what policies are worth by the uniform log, beside what the Thompson policy had when it ran itself."""
    uniform, thompson = logs
    rows = [
        ("Thompson sampling by position", *_cells(_by_position_value(uniform, thompson)), _own(thompson)),
        ("uniform, by the log of Thompson sampling", *_cells(_uniform_value(thompson)), _own(uniform)),
        ("greedy by hashed_logistic, learnt on the first half", *_cells(_greedy_value(uniform)), ""),
    ]
    tell("values by the uniform log are done")
    headers = ("policy", "rows", "IPS, %", "SNIPS, %", "effective rows", "mean weight", "usable", "had itself, %")
    return Table("Open Bandit: what policies would have earned in clicks", "", headers, tuple(rows))


def _before(log: Bandit) -> AdData:
    """Return the log without its judged rows, split as if the rows before them were judged: what tuning sees."""
    kept = int(len(log.items) * (1.0 - TEST_SHARE))
    whole = log.split(TEST_SHARE)
    earlier = int(kept * (1.0 - TEST_SHARE))
    calibrate_from = int(earlier - kept * 0.1)
    return AdData(
        whole.item_ids,
        whole.numbers,
        whole.subjects,
        log.part(slice(0, calibrate_from)),
        log.part(slice(calibrate_from, earlier)),
        log.part(slice(earlier, kept)),
        units=np.arange(earlier, kept, dtype=np.int64),
        slots=("",) * (kept - earlier),
        facts=whole.facts,
    )


def _by_position_value(uniform: Bandit, thompson: Bandit) -> PolicyValue:
    wanted = by_position(thompson)[uniform.positions, uniform.items]
    return policy_value(wanted / uniform.propensities, uniform.clicked)


def _uniform_value(thompson: Bandit) -> PolicyValue:
    return policy_value((1.0 / thompson.count) / thompson.propensities, thompson.clicked)


def _greedy_value(log: Bandit) -> PolicyValue:
    """Return the value, on the second half, of always showing what a model of the first half thinks is clicked most."""
    data = log.split(1.0 - LEARN_SHARE)
    parameters = checked_parameters({"prior": 30.0, "bits": 18}, logistic.PARAMETERS)
    predictor = logistic.learn(data, parameters, SEED, lambda _share: None).predictor()
    later = slice(len(log.items) - len(data.judged), None)
    best: Indices = np.array([int(np.argmax(predictor.score(data.subjects[moment]))) for moment in log.moments[later]])
    return policy_value((best == log.items[later]) / log.propensities[later], log.clicked[later])


def _cells(found: PolicyValue) -> tuple[str, ...]:
    return (
        f"{found.rows:,}",
        estimate_cell(found.ips),
        estimate_cell(found.snips),
        f"{found.effective:,.0f}",
        f"{found.mean_weight:.3f}",
        f"no: {found.refused}" if found.refused else "yes",
    )


def _own(log: Bandit) -> str:
    return f"{log.clicked.mean():.2%} ({log.clicked.sum():.0f} of {len(log.clicked):,})"
