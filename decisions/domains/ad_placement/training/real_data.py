"""What the recipes of advertising make of recorded data: Upworthy's headlines and Open Bandit's Men campaign."""

from pathlib import Path
from typing import Final

import numpy as np

from decisions.domain_reports import Section, Table, Tell, files_table
from decisions.domains.ad_placement.domain import DOMAIN
from decisions.domains.ad_placement.training import open_bandit, upworthy
from decisions.domains.ad_placement.training.bandit_tables import click_table, value_table
from decisions.domains.ad_placement.training.contenders import (
    LOGISTIC,
    NETWORK,
    Tuned,
    constant_rates,
    gain,
    tuned_recipe,
    tuned_simple,
)
from decisions.domains.ad_placement.training.dataset import AdData
from decisions.domains.ad_placement.training.report_cells import headline_cells, interval
from decisions.domains.ad_placement.training.upworthy import Headlines

DEFAULT: Final = next(iter(DOMAIN.recipes))
QUICK_TRIALS: Final = 1
QUICK_TESTS: Final = 300
LAST_WEEK: Final = 1_000_000

TEXT: Final = """\
**Upworthy** (Matias et al. 2021, CC BY 4.0): tests in which several headlines were shown to visitors at random. Weeks
{faulty}, in which arms were badly randomised, are left out, as are tests with one headline only; arms of a test with
the same headline are one. {tests} tests with {headlines} headlines and {shown} views are left. They are split by
week, and so by test: what came before week {calibrate_from} is learnt from, the weeks up to {judge_from} tune and
calibrate, the later ones ({judged} tests) judge. Two things are asked: how likely the observed clicks are
(log-likelihood by view, more than a constant rate, in thousandths of a nat; intervals by bootstrap over whole tests),
and whether the headline with the most clicks by view is picked ("accuracy"; chance is what drawing one of the test's
headlines gives; the interval of the difference is t over tests).

**Open Bandit, Men** (Saito et al. 2021, Apache 2.0): 10 000 items shown by a uniform policy and 10 000 by Bernoulli
Thompson sampling, with 46 and 69 clicks. The latest 30 % of each log judge. So few clicks hardly tell models apart: no
model counts as better than the constant unless its interval lies above 0, and one whose interval lies below 0 has
learnt noise. The uniform log also says what other policies would have earned: inverse propensities (IPS) and their
self-normalised form (SNIPS), refused where fewer than 100 effective rows are left. Their intervals are normal ones,
which are too narrow where few rows carry much of the weight; what two of the policies had when they ran themselves
stands beside. This is the small estimator of this report.

Every contender was tuned with as many trials ({trials}; the regression on simple features with six priors), seed 1.
"""


def evaluate(folder: Path, *, quick: bool, tell: Tell) -> Section:
    """Return the report of advertising on the recorded data of a folder. Raises RecordedDataMissing."""
    headlines = upworthy.read_headlines(folder)
    logs = tuple(open_bandit.read_bandit(folder, name) for name in open_bandit.FILES)
    if quick:
        headlines = _first_tests(headlines, QUICK_TESTS)
    trials = QUICK_TRIALS if quick else len(LOGISTIC)
    calibrate_from, judge_from = upworthy.split_weeks(headlines.weeks)
    judging = upworthy.as_data(headlines, calibrate_from=calibrate_from, judge_from=judge_from, judge_until=LAST_WEEK)
    files = (upworthy.FILE, *open_bandit.FILES.values(), *open_bandit.ITEM_FILES.values())
    found = _contenders(headlines, judging, (calibrate_from, judge_from), trials=trials, tell=tell)
    text = TEXT.format(
        faulty=f"{upworthy.FAULTY.start} to {upworthy.FAULTY.stop - 1}",
        tests=f"{len(np.unique(headlines.tests)):,}",
        headlines=f"{len(headlines.texts):,}",
        shown=f"{headlines.shown.sum():,.0f}",
        calibrate_from=calibrate_from,
        judge_from=judge_from,
        judged=f"{len(np.unique(judging.units)):,}",
        trials=trials,
    )
    return Section(
        title="Ad placement",
        text=f"{text}\n{_conclusion(found, judging)}",
        tables=(
            _headline_table(headlines, judging, found, judge_from=judge_from),
            click_table(logs, trials=trials, tell=tell),
            value_table(logs, tell=tell),
            files_table(folder, files),
        ),
    )


def _contenders(
    headlines: Headlines, judging: AdData, weeks: tuple[int, int], *, trials: int, tell: Tell
) -> dict[str, Tuned]:
    """Return what each contender predicts of the judged headlines, the reference first."""
    tuning = _tuning(headlines, weeks)
    found = {
        "constant rate": Tuned(constant_rates(judging), ""),
        "logistic regression on simple text features": tuned_simple(
            upworthy.simple_features(headlines), tuning, judging
        ),
    }
    for name, grid in (("hashed_logistic", LOGISTIC), ("hashed_network", NETWORK)):
        found[name] = tuned_recipe(name, tuning, judging, trials=grid[:trials], tell=tell)
    return found


def _headline_table(headlines: Headlines, judging: AdData, found: dict[str, Tuned], *, judge_from: int) -> Table:
    judged = headlines.between(judge_from, LAST_WEEK)
    constant = found["constant rate"].rates
    rows: list[tuple[str, ...]] = []
    for name, one in found.items():
        hits = upworthy.picked(one.rates, headlines, judged)
        rows.append((name, *headline_cells(one.rates, constant, judging, hits), one.parameters))
    headers = (
        "model",
        "log-loss",
        "gain over constant, 1/1000",
        "AUC",
        "expected/observed",
        "accuracy",
        "over chance, points",
        "tuned",
    )
    return Table("Upworthy: headlines", "", headers, tuple(rows))


def _conclusion(found: dict[str, Tuned], judging: AdData) -> str:
    """Return what the figures on headlines say of the recipe that the domain begins with, beside each other one."""
    gains = {name: gain(found[DEFAULT].rates, one.rates, judging) for name, one in found.items() if name != DEFAULT}
    sentences = []
    for name, less in gains.items():
        verdict = "better than" if less.lower > 0.0 else "worse than" if less.upper < 0.0 else "not told apart from"
        figure = interval(less.value * 1_000, less.lower * 1_000, less.upper * 1_000, digits=3)
        sentences.append(f"{verdict} {name} ({figure})")
    return (
        f"On headlines {DEFAULT}, the recipe that the domain begins with, is {'; '.join(sentences)}, in thousandths of "
        "a nat by view. Picking the winner of a test stays hard for every model: which of two creatives is better "
        "for a shop is what a test in the shop decides.\n"
    )


def _tuning(headlines: Headlines, weeks: tuple[int, int]) -> AdData:
    """Return the headlines as they are tuned: the stretch that will calibrate is judged, weeks before it calibrate."""
    earlier = np.sort(headlines.weeks[headlines.weeks < weeks[0]])
    calibrate_from = int(earlier[int(len(earlier) * (1.0 - upworthy.CALIBRATE_SHARE))])
    return upworthy.as_data(headlines, calibrate_from=calibrate_from, judge_from=weeks[0], judge_until=weeks[1])


def _first_tests(headlines: Headlines, most: int) -> Headlines:
    kept = np.isin(headlines.tests, np.unique(headlines.tests)[:: max(1, len(np.unique(headlines.tests)) // most)])
    return Headlines(
        tuple(text for text, keeps in zip(headlines.texts, kept.tolist(), strict=True) if keeps),
        headlines.tests[kept],
        headlines.weeks[kept],
        headlines.shown[kept],
        headlines.clicked[kept],
    )
