"""`bin/demo --seeds N --fast`: many simulated shops in process, and the page that counts their verdicts."""

import os
from pathlib import Path

from config.local.demo_bar import Bar
from config.local.places import PROJECT

PAGE = PROJECT / "docs" / "demo.md"
THIN = 4
"""The seeds run again with this part of the traffic, where an honest analysis misses more."""


def write_study(seeds: int, page: Path = PAGE) -> int:
    """Run the study, write its page and return the exit code: 1 where wrong SHIPs exceed what chance explains."""
    # each process draws one shop at a time: threads of linear algebra inside would only compete
    os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", MKL_NUM_THREADS="1")
    from simulation.designs import VISITORS_PER_DAY
    from simulation.fast.document import DECLARED, document
    from simulation.fast.study import run_study
    from simulation.truth import Truth

    truth = Truth()
    print(f"truth: digest {truth.fingerprint(0)}")
    studies = [
        run_study(truth, seeds=seeds, per_day=per_day, tell=Bar(f"{per_day} visitors a day", seeds).show)
        for per_day in (VISITORS_PER_DAY, VISITORS_PER_DAY // THIN)
    ]
    page.write_text(document(*studies))
    for tally in studies[0].tallies:
        print(
            f"{tally.design.key:<22} right {tally.right.count:>4}, wrong {tally.wrong.count:>3}, "
            f"undecided {tally.undecided.count:>3} (truth: {tally.right_verdict})"
        )
    rate = studies[0].wrong_ships
    print(f"wrong SHIP: {rate.count} of {rate.total}; written to {page}")
    return int(rate.interval is not None and rate.interval[0] > DECLARED)
