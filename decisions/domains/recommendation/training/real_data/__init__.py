"""The recipes of recommendation on recorded data: tuned alike, judged on what came later, told with intervals."""

from collections.abc import Callable
from pathlib import Path
from typing import Final

from decisions.domain_reports import Section, Tell, sha256_of
from decisions.domains.recommendation.training.real_data import msweb, online_retail
from decisions.domains.recommendation.training.real_data.cold import cold_items
from decisions.domains.recommendation.training.real_data.contest import CONTENDERS, Contest, Split, compete
from decisions.domains.recommendation.training.real_data.report import Report, section
from decisions.domains.recommendation.training.real_data.variety import varied

TRIALS: Final = 8
SEEDS: Final = (1, 2, 3)
QUICK_TRIALS: Final = 2
QUICK_SEEDS: Final = (1,)
SEARCH_SEED: Final = 7

_READERS: Final[tuple[tuple[str, Path, Callable[..., Split]], ...]] = (
    (online_retail.ABOUT, online_retail.FILE, online_retail.split),
    (msweb.ABOUT, msweb.FILE, msweb.split),
)


def evaluate(folder: Path, *, quick: bool, tell: Tell) -> Section:
    """Return what every recipe makes of Online Retail and of MSWeb.

    folder: holds both files as their modules name them. quick: fewer users, trials and seeds; says whether it works.

    Raises:
        RecordedDataMissing: a file is not there, or holds something else.
        TensorFlowMissing: the networks cannot be trained here.
    """
    trials, seeds = (QUICK_TRIALS, QUICK_SEEDS) if quick else (TRIALS, SEEDS)
    contest = Contest(contenders=CONTENDERS, trials=trials, seeds=seeds, search_seed=SEARCH_SEED)
    reports = []
    for about, file, split in _READERS:
        path = folder / file
        sha256 = sha256_of(path)
        data = split(path, quick=quick)
        tell(f"{file}: {data.test.facts['train_rows']} of {data.test.facts['rows']} rows to learn from")
        results = compete(contest, data, tell=tell)
        best = max(results, key=lambda result: result.ndcg)
        reports.append(
            Report(
                about=about,
                file=str(file),
                sha256=sha256,
                data=data,
                results=results,
                variety=varied(best, data.test),
                cold=cold_items(results, data.test),
            )
        )
    return section(reports, contest)
