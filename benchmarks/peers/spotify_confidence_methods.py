"""spotify-confidence on one data frame with all comparisons as groups, which is its fastest form."""

from collections.abc import Sequence
from importlib import import_module
from typing import Any

from benchmarks.peers.timing import Method, Pair, run


def contestant(name: str, pairs: Sequence[Pair]) -> Method | None:
    """Return the pass over all comparisons by one method, or None where it has none."""
    if name == "ratio":
        return None
    frame = _frame(pairs)
    confidence = import_module("spotify_confidence")
    common = {
        "numerator_column": "sum",
        "denominator_column": "n",
        "categorical_group_columns": ["arm", "comparison"],
        "correction_method": "bonferroni",
    }

    def test() -> Any:
        if name == "cuped":
            features = {
                "feature_column": "before",
                "feature_sum_squares_column": "before_squares",
                "feature_cross_sum_column": "cross",
            }
            return confidence.ZTestLinreg(frame, numerator_sum_squares_column="squares", **common, **features)
        if name == "proportions":
            return confidence.ZTest(frame, numerator_sum_squares_column=None, **common)
        return confidence.StudentsTTest(frame, numerator_sum_squares_column="squares", **common)

    def every() -> Sequence[float]:
        found = test().difference("control", "treatment", groupby="comparison")
        values: Sequence[float] = found.sort_values("comparison")["p-value"].tolist()
        return values

    return every


def _frame(pairs: Sequence[Pair]) -> Any:
    rows = []
    for number, pair in enumerate(pairs):
        for label, arm in zip(("control", "treatment"), pair, strict=True):
            products = arm["products"]
            rows.append(
                {
                    "comparison": number,
                    "arm": label,
                    "n": arm["n"],
                    "sum": arm["sum"]["y"],
                    "squares": products["y*y"],
                    "before": arm["sum"].get("x", 0.0),
                    "before_squares": products.get("x*x", 0.0),
                    "cross": products.get("y*x", 0.0),
                }
            )
    return import_module("pandas").DataFrame(rows)


if __name__ == "__main__":
    run(contestant)
