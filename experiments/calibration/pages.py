"""The documents that calibration runs write: where they go, and what stands above their tables."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final


@dataclass(frozen=True, slots=True)
class Page:
    """One generated document. name: as the command knows it. about, findings: Markdown paragraphs above the tables.

    is_timed: whether the page says how long the run took, the one thing in it that another run changes.
    """

    name: str
    path: Path
    title: str
    about: str
    findings: tuple[str, ...] = ()
    is_timed: bool = False

    @property
    def option(self) -> str:
        """What the command line needs to write this page instead of the first."""
        return "" if self.name == CALIBRATION.name else f" --document {self.name}"


CALIBRATION: Final = Page(
    name="calibration",
    path=Path("docs/calibration.md"),
    title="How often the engine errs",
    about=(
        "This page is generated. It holds what simulated experiments, most of them without any effect, make of the "
        "statistics that judge real ones. Every look of every simulated experiment goes the way of a real look: exact "
        "sums, `experiments/analysis/build.py`, `experiments/analysis/verdict.py`, and the history that the look "
        "leaves for the next. Procedures that are not part of a scorecard are called where they live, in "
        "`experiments/statistics`. The methods are described in [statistics.md](statistics.md)."
    ),
)

INTERFERENCE: Final = Page(
    name="interference",
    path=Path("docs/interference.md"),
    title="Price and restock tests: what each design finds",
    about=(
        "This page is generated. It holds what designs of price and restock tests make of simulated shops whose truth "
        "is known: items replace each other, households keep a stock, habits and inventories outlive the period, items "
        "share a shelf. Truth is the steady state, found by simulating both worlds for long, never by a formula that "
        "an estimator knows. Schedules are drawn by `experiments/assignment/period_table.py` from a salt of each "
        "replicate; effects and intervals are those of `experiments/analysis/period_estimates.py`; restock tests go "
        "through plan, scorecard and verdict. The 500 replicates of a setting have the seeds 0 to 499, whatever the "
        "seed of the run; where there are 5,000, which tell chance from an error that is wrong, their seeds are drawn "
        "from it. How to design such tests is in [periods.md](periods.md)."
    ),
    findings=(
        (
            "**Prices.** Whoever randomises single items counts what they take from their neighbours as a gain, "
            "and a price cut that loses money looks like one that makes it; to randomise items by period as well "
            "does not help. Whole clusters without a burn-in count what households buy ahead, once as a gain of "
            "the cheap period and once more as a loss of the dear one. Clusters by period, with a burn-in as long "
            "as the stock lasts, find the truth, with a fraction of the error of clusters that keep their price "
            "throughout."
        ),
        (
            "**Carry-over.** A burn-in of the length of the carry-over is enough, a shorter one is not, and no "
            "error bar shows it. Let whole weeks count: only then do weekdays weigh as they do in the long run."
        ),
        (
            "**Stock.** Judged by cash, the policy that is better in the long run looks like a loss: it is never "
            "shipped and often stopped for harm, because it pays for stock that later periods sell. With the "
            "stock valued at its cost and a burn-in of lead time and review, rounded up to whole weeks, the same "
            "tests end with it shipped. Policies that are far apart need a burn-in that also sells off what the "
            "larger one has piled up."
        ),
        ("**Shared shelves.** Items that share capacity are one cluster; by themselves they win what others lose."),
        (
            "**Whose truth.** Intervals speak of all clusters like those tested: of the very clusters in the test "
            "they hold the truth more often than they say. Where few clusters hold most of the trade, they hold "
            "the truth of others like them less often than they say."
        ),
    ),
    is_timed=True,
)

PAGES: Final = {page.name: page for page in (CALIBRATION, INTERFERENCE)}
