"""The figures of the contests in tables and plain sentences, for docs/models.md."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from decisions.domain_reports import Section, Table
from decisions.domains.recommendation.domain import DOMAIN
from decisions.domains.recommendation.training.real_data.cold import Cold
from decisions.domains.recommendation.training.real_data.contest import Contest, Result, Split
from decisions.domains.recommendation.training.real_data.variety import Variety
from models_registry.gates import Comparison, Figures, compare

CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True, eq=False)
class Report:
    """Everything that was found on one recorded log."""

    about: str
    file: str
    sha256: str
    data: Split
    results: tuple[Result, ...]
    variety: tuple[Variety, ...]
    cold: tuple[Cold, ...]

    @property
    def name(self) -> str:
        """What the log is called."""
        return self.about.removeprefix("**").partition("**")[0]

    @property
    def best(self) -> Result:
        """The result with the highest mean nDCG@10."""
        return max(self.results, key=lambda result: result.ndcg)


def section(reports: Sequence[Report], contest: Contest) -> Section:
    """Return the section of recommendation: what was done, who won, and the tables of each log."""
    paragraphs = [
        _METHOD.format(trials=contest.trials, seeds=", ".join(map(str, contest.seeds)), search=contest.search_seed),
        *(_outcome(report) for report in reports),
        _default(reports),
    ]
    tables = [table for report in reports for table in _tables(report)]
    return Section(DOMAIN.name, "\n\n".join(paragraphs), tuple(tables))


_METHOD = """\
Every recipe is tuned with the same budget: {trials} trials on a validation period that lies inside the training
period, the first with the defaults, the others drawn (seed {search}) from the values that `CONTENDERS` of the contest
lists. The best by NDCG@10 is trained anew on the whole training period, with the seeds {seeds} (recipes that draw
nothing are the same for each), and judged once on the test. Users are ranked by the very predictors that serve, among
the items new to them; a user's figure is the mean over the seeds. NDCG@10 and recall@20 are means over users;
recall@20 is the items found among the first 20, divided by the lesser of 20 and the items there were to find.
Coverage is the share of items that anybody is shown among the first 20. Miscalibration is the Jensen-Shannon
divergence, in bits, between the mix of groups in the first 20 and that in what the user dealt with before; groups are
categories, or three bands of popularity with a third of all contacts each. Intervals of differences are paired over
users (t)."""


def _outcome(report: Report) -> str:
    best = report.best
    level = [name for name, found in _rivals(report) if found.lower is not None and found.lower <= 0.0]
    beaten = [name for name, found in _rivals(report) if found.lower is not None and found.lower > 0.0]
    sentences = [f"On {report.name} `{best.recipe}` has the highest NDCG@10, {best.ndcg:.4f}."]
    if beaten:
        sentences.append(f"It is ahead of {_listed(beaten)} beyond chance.")
    if level:
        sentences.append(f"It cannot be told apart from {_listed(level)}.")
    return " ".join(sentences)


def _default(reports: Sequence[Report]) -> str:
    first = next(iter(DOMAIN.recipes))
    shares = sorted(_shares_of_best(reports).items(), key=lambda entry: -entry[1])
    told = ", ".join(f"`{name}` {share:.0%}" for name, share in shares)
    sentences = [
        f"The recipe that the product offers first is `{first}`.",
        f"On average over the logs the recipes reach so much of the best NDCG@10: {told}.",
    ]
    if shares[0][0] != first:
        sentences.append(f"By that measure `{shares[0][0]}` would be the one to begin with.")
    if not any(_is_network(report.best.recipe) for report in reports):
        sentences.append("No network beats the best linear model on any of them, so none is the default.")
    return " ".join(sentences)


def _shares_of_best(reports: Sequence[Report]) -> dict[str, float]:
    """Return for each recipe the mean over the logs of its NDCG@10 by that of the log's best."""
    shares: dict[str, list[float]] = {}
    for report in reports:
        for result in report.results:
            shares.setdefault(result.recipe, []).append(result.ndcg / report.best.ndcg)
    return {name: float(np.mean(of_logs)) for name, of_logs in shares.items() if name in DOMAIN.recipes}


def _is_network(recipe: str) -> bool:
    return DOMAIN.recipes.get(recipe, "").endswith("(TensorFlow)")


def _rivals(report: Report) -> Iterable[tuple[str, Comparison]]:
    """Yield every other recipe with by how much the best is ahead of it, user by user."""
    for result in report.results:
        if result is not report.best:
            yield result.recipe, compare(result.recipe, report.best.ndcg_of_users, result.ndcg_of_users, CONFIDENCE)


def _tables(report: Report) -> list[Table]:
    facts = report.data.test.facts
    told = (
        f"{report.about}\n\nFile `{report.file}`, SHA-256 `{report.sha256}`. {facts['rows']:,} rows, "
        f"{facts['units']:,} users, {facts['items']:,} items; {facts['train_rows']:,} rows to learn from, "
        f"{facts['test_users']:,} users to judge by, {report.data.validation.facts['test_users']:,} to tune by."
    )
    tables = [
        Table(
            f"{report.name}: figures",
            told,
            ("recipe", "NDCG@10", "recall@20", "coverage@20", "miscalibration@20", "spread of NDCG over seeds"),
            tuple(_row(result) for result in report.results),
        ),
        Table(
            f"{report.name}: by how much `{report.best.recipe}` is ahead",
            "",
            ("of", "NDCG@10 (95 %)", "recall@20 (95 %)", "chosen parameters of that one"),
            tuple(_ahead(report, result) for result in report.results),
        ),
        Table(
            f"{report.name}: diversity",
            f"The first 20 of `{report.variety[0].recipe}` re-ranked by maximal marginal relevance on the texts of "
            "items; similarity is the mean cosine of the texts of two items of a slate.",
            ("diversity", "NDCG@10", "recall@20", "coverage@20", "miscalibration@20", "similarity"),
            tuple(_varied(one) for one in report.variety),
        ),
    ]
    if report.cold:
        users, items = report.cold[0].comparison.users, report.cold[0].items
        tables.append(
            Table(
                f"{report.name}: items that nobody had met",
                f"{items} items were met by nobody before the split; {users} users then met one. Recall@10 among those "
                "items alone, less that of any order of them.",
                ("recipe", "recall@10", "less chance (95 %)"),
                tuple(
                    (f"`{one.recipe}`", _figure(one.comparison.candidate_mean), _interval(one.comparison))
                    for one in report.cold
                ),
            )
        )
    return tables


def _row(result: Result) -> tuple[str, ...]:
    seeds = [float(one.ndcg.mean()) for one in result.measured]
    return (
        f"`{result.recipe}`",
        _mean(result.ndcg_of_users),
        _mean(result.recall_of_users),
        f"{np.mean([one.shown.mean() for one in result.measured]):.3f}",
        f"{np.mean([one.miscalibration.mean() for one in result.measured]):.3f}",
        f"{max(seeds) - min(seeds):.4f}" if len(seeds) > 1 else "",
    )


def _ahead(report: Report, result: Result) -> tuple[str, ...]:
    chosen = ", ".join(f"{name} {value:g}" for name, value in result.chosen.items()) or "defaults"
    if result is report.best:
        return f"`{result.recipe}`", "", "", chosen
    best = report.best
    ndcg = compare(result.recipe, best.ndcg_of_users, result.ndcg_of_users, CONFIDENCE)
    recall = compare(result.recipe, best.recall_of_users, result.recall_of_users, CONFIDENCE)
    return f"`{result.recipe}`", _interval(ndcg), _interval(recall), chosen if result.recipe in DOMAIN.recipes else ""


def _varied(one: Variety) -> tuple[str, ...]:
    metrics = one.measured.metrics()
    return f"{one.diversity:g}", *(f"{figure:.4f}" for figure in metrics.values()), f"{one.similarity:.3f}"


def _mean(figures: Figures) -> str:
    """Return the mean over users with half the width of its interval."""
    alone = compare("nothing", figures, np.zeros_like(figures), CONFIDENCE)
    if alone.upper is None or alone.difference is None:
        return ""
    return f"{alone.difference:.4f} ± {alone.upper - alone.difference:.4f}"


def _interval(found: Comparison) -> str:
    if found.difference is None:
        return ""
    return f"{found.difference:+.4f} ({found.lower:+.4f} to {found.upper:+.4f})"


def _figure(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"


def _listed(names: Iterable[str]) -> str:
    told = [f"`{name}`" for name in dict.fromkeys(names)]
    return told[0] if len(told) == 1 else f"{', '.join(told[:-1])} and {told[-1]}"
