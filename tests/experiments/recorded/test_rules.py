"""Every way in which a manifest that fits the schema can still contradict itself."""

from typing import Any

import pytest

from experiments.recorded.faults import ManifestInvalid
from experiments.recorded.reading import read_manifest
from tests.experiments.recorded.material import FULL_COLUMNS, FULL_VARIANTS, PLAIN, manifest_text

BINARY: dict[str, Any] = {"name": "conversion", "kind": "binary", "column": "converted", "role": "DECISION"}
MONEY: dict[str, Any] = {"name": "revenue", "kind": "money", "column": "revenue", "role": "DECISION"}
RATIO: dict[str, Any] = {
    "name": "aov",
    "kind": "ratio",
    "role": "DECISION",
    "numerator": {"column": "revenue", "kind": "money"},
    "denominator": {"column": "orders"},
}
TOTALS: dict[str, Any] = {"name": "conversion", "kind": "binary", "role": "DECISION", "units": "n", "successes": "s"}
PAIRED: dict[str, Any] = {
    "name": "conversion",
    "kind": "binary",
    "role": "DECISION",
    "units": {"control": "nc", "treatment": "nt"},
    "successes": {"control": "sc", "treatment": "st"},
}
A, B = PLAIN["variants"]
AGGREGATES: dict[str, Any] = {"source": "aggregates", "columns": {"variant": "arm"}, "outcomes": [TOTALS]}
OBJECTIVE: dict[str, Any] = {"kind": "non_inferiority_with_saving"}


def faults(changes: dict[str, Any]) -> list[str]:
    try:
        read_manifest(manifest_text(**changes), name="m")
    except ManifestInvalid as error:
        return [line.split(": ", 1)[1] for line in str(error).split("\n") if line.startswith("m:")]
    return []


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"variants": [{**A, "control": False}, B]}, "variants: no variant is the control"),
        ({"variants": [A, {**B, "control": True}]}, "variants[1].control: is a second control"),
        ({"variants": [A, {**B, "key": "control"}]}, "variants[1].key: 'control' is there twice"),
        ({"variants": [A, {**B, "weight": 3}]}, "variants[0]: has no weight, but others have"),
        ({"variants": [A, {**B, "recorded": ["a"]}]}, "variants[1].recorded: 'a' already means control"),
        ({"variants": [A, {**B, "shown": ["x"]}]}, "variants[1].shown: has no column to stand in"),
        ({"null_tokens": ["b"]}, "variants[1].recorded: 'b' means that nothing is known"),
        (
            {"columns": FULL_COLUMNS, "variants": [FULL_VARIANTS[0], {**FULL_VARIANTS[1], "shown": ["old"]}]},
            "variants[1].shown: 'old' already means control",
        ),
        ({"outcomes": [BINARY, BINARY]}, "outcomes[1].name: 'conversion' is there twice"),
        ({"outcomes": [{**BINARY, "role": "SECONDARY"}]}, "outcomes: no outcome decides"),
        ({"outcomes": [{**BINARY, "role": "GUARDRAIL"}]}, "outcomes[0]: a guardrail needs a margin"),
        ({"outcomes": [{**BINARY, "margin": 0.1}]}, "outcomes[0].margin: only guardrails have a margin"),
        ({"outcomes": [{**BINARY, "cap": 2}]}, "outcomes[0].cap: a value of 0 or 1 has no cap"),
        (
            {"outcomes": [{**MONEY, "kind": "count", "cap": 2.5}]},
            "outcomes[0].cap: a count is capped at a whole number",
        ),
        ({"outcomes": [{**BINARY, "column": None}]}, "outcomes[0]: column is missing"),
        ({"outcomes": [{**RATIO, "denominator": None}]}, "outcomes[0]: denominator is missing"),
        ({"outcomes": [{**RATIO, "column": "x"}]}, "outcomes[0].column: does not belong to a ratio outcome"),
        (
            {"outcomes": [{**BINARY, "numerator": {"column": "x"}}]},
            "outcomes[0].numerator: does not belong to a binary outcome",
        ),
        ({"outcomes": [{**BINARY, "successes": "x"}]}, "outcomes[0].successes: means nothing for source: rows"),
        (
            {"outcomes": [{**RATIO, "numerator": {"column": "revenue", "before": {"column": "b"}}}]},
            "outcomes[0]: before is given for one half of the ratio",
        ),
        (
            {"outcomes": [{**BINARY, "before": {"column": "b", "kind": "money"}}]},
            "outcomes[0]: before is money, the outcome binary",
        ),
        (
            {"outcomes": [BINARY, {**MONEY, "before": {"column": "converted"}}]},
            "outcomes[1]: 'converted' is an outcome and cannot be what was known before",
        ),
        ({"dimensions": ["converted"]}, "dimensions[0]: 'converted' is an outcome"),
        ({"dimensions": ["a", "a"]}, "dimensions[1]: 'a' is there twice"),
        ({"columns": {"variant": "arm", "metric": "m"}}, "columns.metric: means nothing for source: rows"),
        ({"columns": {"variant": "arm", "time_zone": "UTC"}}, "columns.time_zone: there is no time column"),
        (
            {"columns": {"variant": "arm", "time": "at", "time_zone": "Asia/Shangai"}},
            "columns.time_zone: 'Asia/Shangai' is not a time zone",
        ),
        (
            {"columns": {"variant": "arm", "time": "at", "time_format": "iso"}},
            "columns.time_format: names no part of a time",
        ),
        (
            {"columns": {"variant": "arm", "cluster": "c"}, "outcomes": [{**MONEY, "cap": 3}]},
            "outcomes[0].cap: clustered outcomes cannot be capped",
        ),
        (
            {"columns": {"variant": "arm", "cluster": "c"}, "outcomes": [{**MONEY, "before": {"column": "b"}}]},
            "outcomes[0]: values from before cannot be used with clusters",
        ),
        (
            {"experiment": {**PLAIN["experiment"], "key": "x-{experiment}"}},
            "experiment.key: has {experiment}, but there is no experiment column",
        ),
        ({"experiment": {**PLAIN["experiment"], "key": "x-{y}"}}, "experiment.key: 'x-{y}' is not a key"),
        (
            {"experiment": {**PLAIN["experiment"], "recorded": "e"}},
            "experiment.recorded: there is no experiment column",
        ),
        (
            {"columns": {"variant": "arm", "experiment": "e"}},
            "columns.experiment: it must be clear which experiments to import",
        ),
        ({"objective": OBJECTIVE}, "objective: margin is missing"),
        ({"objective": OBJECTIVE}, "objective: saving is missing"),
        ({"objective": {"margin": 0.1}}, "objective.margin: means nothing for superiority"),
        ({"csv": {"delimiter": '"'}}, "csv: delimiter and quote are the same"),
        (
            {**AGGREGATES, "columns": {"variant": "arm", "unit": "id"}},
            "columns.unit: means nothing for source: aggregates",
        ),
        ({**AGGREGATES, "dimensions": ["x"]}, "dimensions: aggregates have no units to divide"),
        ({**AGGREGATES, "outcomes": [BINARY]}, "outcomes[0].column: means nothing for source: aggregates"),
        ({**AGGREGATES, "outcomes": [{**TOTALS, "units": None}]}, "outcomes[0]: units is missing"),
        ({**AGGREGATES, "outcomes": [{**TOTALS, "cap": 2}]}, "outcomes[0].cap: totals cannot be capped"),
        (
            {**AGGREGATES, "outcomes": [{**TOTALS, "mean": "m"}]},
            "outcomes[0]: a binary outcome is given by successes, or mean, not by successes, mean",
        ),
        (
            {**AGGREGATES, "outcomes": [{**TOTALS, "kind": "money", "successes": None, "sum": "s"}]},
            "outcomes[0]: a money outcome is given by sum and sum_of_squares, or mean and variance, not by sum",
        ),
        (
            {**AGGREGATES, "outcomes": [{**TOTALS, "kind": "ratio"}]},
            "outcomes[0].kind: totals of a ratio do not tell how it varies",
        ),
        ({**AGGREGATES, "outcomes": [{**TOTALS, "recorded": 1}]}, "outcomes[0].recorded: there is no metric column"),
        (
            {**AGGREGATES, "columns": {"variant": "arm", "metric": "m"}},
            "outcomes[0]: recorded is missing",
        ),
        (
            {**AGGREGATES, "columns": {"variant": "arm", "metric": "m", "units": "n"}},
            "columns.units: would be counted once for each metric",
        ),
        (
            {**AGGREGATES, "outcomes": [{**PAIRED, "units": "n"}]},
            "outcomes[0]: mixes single columns and pairs",
        ),
        (
            {**AGGREGATES, "outcomes": [PAIRED, {**TOTALS, "name": "other"}], "variants": [{**A, "recorded": None}, B]},
            "outcomes[1]: has single columns, others have pairs",
        ),
        (
            {**AGGREGATES, "outcomes": [PAIRED]},
            "variants[0].recorded: the control has no rows of its own when figures come in pairs",
        ),
    ],
)
def test_rules__contradiction__is_a_fault_at_its_place(changes: dict[str, Any], expected: str):
    def without_none(part: Any) -> Any:
        if isinstance(part, dict):
            return {name: without_none(entry) for name, entry in part.items() if entry is not None}
        return [without_none(entry) for entry in part] if isinstance(part, list) else part

    assert expected in faults(without_none(changes))


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"outcomes": [RATIO]},
        {"outcomes": [{**BINARY, "before": {"column": "b", "kind": "count"}}]},
        {"columns": {"variant": "arm", "cluster": "c"}, "outcomes": [MONEY]},
        {"columns": FULL_COLUMNS, "variants": FULL_VARIANTS},
        {"objective": {**OBJECTIVE, "margin": 0.02, "saving": "half the cost"}},
        {"variants": [{**A, "weight": 0.9}, {**B, "weight": 0.1}]},
        AGGREGATES,
        {**AGGREGATES, "outcomes": [PAIRED], "variants": [{"key": "control", "control": True}, B]},
    ],
)
def test_rules__sound_manifest__has_no_fault(changes: dict[str, Any]):
    assert faults(changes) == []
