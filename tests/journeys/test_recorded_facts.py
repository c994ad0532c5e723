"""Real experiments of others, by the command from file to verdict: every published fact, and the right answer.

Their folder is named by TILTYARD_REAL_DATA; docs/setup.md says where the files come from.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml
from django.core.management import CommandError, call_command

from experiments.statistics import srm
from experiments.statistics.proportions import Counts, fisher_p
from experiments.statistics.results import Undefined
from tests.architecture.source import PROJECT
from tests.fixtures.recorded import rows_of_every_table
from tests.fixtures.records import make_project

EXAMPLES = PROJECT / "docs" / "examples"

pytestmark = [pytest.mark.realdata, pytest.mark.django_db]

Importer = Callable[..., Any]


@pytest.fixture
def imported(capsys: pytest.CaptureFixture[str], real_data: Path) -> Importer:
    """Return a function that imports a manifest with files of the folder and returns what the command prints."""
    make_project(key="examples")

    def run(manifest: Path, *names: str) -> Any:
        call_command("import_experiment", str(manifest), *(str(real_data / "ab" / name) for name in names), "--json")
        return json.loads(capsys.readouterr().out)

    return run


def changed(example: str, folder: Path, change: Callable[[dict[str, Any]], None]) -> Path:
    """Write an example's manifest with a change and return its path."""
    parts = yaml.safe_load((EXAMPLES / f"{example}.yaml").read_text())
    change(parts)
    path = folder / "changed.yaml"
    path.write_text(yaml.safe_dump(parts, sort_keys=False, allow_unicode=True))
    return path


def comparison(result: dict[str, Any], metric: str, variant: str, *, among: str = "comparisons") -> dict[str, Any]:
    found = [c for c in result["scorecard"][among] if (c["metric"], c["variant"]) == (metric, variant)]
    assert len(found) == 1
    return found[0]


def check(result: dict[str, Any], code: str) -> dict[str, Any]:
    (found,) = [entry for entry in result["scorecard"]["checks"] if entry["code"] == code]
    return found


def reasons(result: dict[str, Any]) -> list[tuple[str, Any, Any]]:
    return [
        (reason["code"], reason["params"].get("variant"), reason["params"].get("other"))
        for reason in result["verdict"]["reasons"]
        if not reason["code"].startswith("CHECK")
    ]


def test_store_promotion__stores_as_units__drops_the_second_and_does_not_separate_the_others(imported: Importer):
    result = imported(EXAMPLES / "store-promotion.yaml", "fast_food_promotion.csv.gz")
    assert {found["variant"]: found["units"] for found in result["scorecard"]["variants"]} == {
        "promotion-2": 47,
        "promotion-1": 43,
        "promotion-3": 47,
    }
    assert check(result, "SAMPLE_RATIO")["figures"]["p"] == pytest.approx(0.89, abs=0.005)
    first, third = (comparison(result, "weekly-sales", f"promotion-{number}") for number in (1, 3))
    assert first["control"]["value"] == pytest.approx(47_329, abs=1)
    assert first["treatment"]["value"] == pytest.approx(58_099, abs=1)
    assert third["treatment"]["value"] == pytest.approx(55_364, abs=1)
    assert first["p_value"] == pytest.approx(0.00128, abs=5e-6)
    assert third["p_value"] == pytest.approx(0.01356, abs=5e-6)
    between = comparison(result, "weekly-sales", "promotion-3", among="contrasts")
    assert between["reference"] == "promotion-1"
    assert between["p_value"] == pytest.approx(0.4259, abs=5e-5)

    assert (result["verdict"]["state"], result["verdict"]["winner"]) == ("SHIP", "promotion-1")
    assert ("ARMS_NOT_SEPARATED", "promotion-1", "promotion-3") in reasons(result)
    assert ("ALSO_PASSES", "promotion-3", None) in reasons(result)


def test_store_promotion__first_as_control__says_that_the_second_harms_and_the_third_is_no_better(
    imported: Importer, tmp_path: Path
):
    def first_is_control(parts: dict[str, Any]) -> None:
        for variant in parts["variants"]:
            variant["control"] = variant["key"] == "promotion-1"

    result = imported(changed("store-promotion", tmp_path, first_is_control), "fast_food_promotion.csv.gz")
    assert result["verdict"]["state"] == "STOP_FOR_HARM"
    assert result["verdict"]["harmful"] == ["promotion-2"]
    assert comparison(result, "weekly-sales", "promotion-3")["sequential"]["crossed"] == "NONE"


def test_store_promotion__weeks_posing_as_units__are_refused_with_the_column_that_was_randomised(
    imported: Importer, real_data: Path, tmp_path: Path
):
    def weeks_as_units(parts: dict[str, Any]) -> None:
        del parts["columns"]["cluster"], parts["columns"]["cluster_kind"]

    before = rows_of_every_table()
    manifest = changed("store-promotion", tmp_path, weeks_as_units)
    with pytest.raises(
        CommandError, match=r"ROWS_NOT_RANDOMISED\n.*137 values of column 'LocationID'.*548 in all"
    ) as e:
        imported(manifest, "fast_food_promotion.csv.gz")
    assert "columns.cluster: 'LocationID'" in str(e.value)
    assert rows_of_every_table() == before

    def weeks_by_force(parts: dict[str, Any]) -> None:
        weeks_as_units(parts)
        parts["rows_are_units"] = True

    # what was refused: rows as units of their own claim far more certainty than 137 stores can give
    forced = imported(changed("store-promotion", tmp_path, weeks_by_force), "fast_food_promotion.csv.gz")
    assert comparison(forced, "weekly-sales", "promotion-1")["p_value"] == pytest.approx(4.3e-10, rel=0.02)
    assert comparison(forced, "weekly-sales", "promotion-3")["p_value"] == pytest.approx(1.6e-6, rel=0.05)
    between = comparison(forced, "weekly-sales", "promotion-3", among="contrasts")
    assert between["p_value"] == pytest.approx(0.121, abs=5e-4)


def test_store_promotion__store_as_unit__keeps_one_week_of_each_and_warns(imported: Importer, tmp_path: Path):
    def stores_as_units(parts: dict[str, Any]) -> None:
        parts["columns"] = {"variant": "Promotion", "unit": "LocationID", "unit_kind": "store"}

    result = imported(changed("store-promotion", tmp_path, stores_as_units), "fast_food_promotion.csv.gz")
    assert sum(found["units"] for found in result["scorecard"]["variants"]) == 137
    warned = check(result, "QUARANTINE")
    assert (warned["outcome"], warned["level"]) == ("FAILED", "WARN")
    assert warned["figures"]["duplicates"] == 411


def test_ad_or_announcement__uneven_split_and_five_buyers__are_judged_by_the_score_test(imported: Importer):
    result = imported(EXAMPLES / "ad-or-announcement.yaml", "marketing_ad_psa_2pct.csv.gz")
    assert {found["variant"]: found["units"] for found in result["scorecard"]["variants"]} == {
        "announcement": 464,
        "ad": 11_298,
    }
    assert check(result, "SAMPLE_RATIO")["figures"]["p"] == pytest.approx(0.760, abs=5e-4)
    found = comparison(result, "purchase", "ad")
    assert (found["control"]["numerator"], found["treatment"]["numerator"]) == (5, 293)
    assert found["control"]["value"] * 100 == pytest.approx(1.0776, abs=1e-4)
    assert found["absolute"]["value"] * 100 == pytest.approx(1.5158, abs=1e-4)
    # 12 are expected in the smaller cell, enough for the score test; its interval agrees with it and excludes 0
    assert found["estimator"] == "SCORE"
    assert found["p_value"] == pytest.approx(0.0417, abs=5e-5)
    assert 0.0 < found["absolute"]["interval"]["lower"] < 0.001
    exact = fisher_p(Counts(464, 5, 11_298, 293))
    assert exact == pytest.approx(0.0477, abs=5e-5)
    power = check(result, "POWER")
    assert (power["outcome"], power["level"]) in {("NOT_APPLICABLE", "WARN"), ("FAILED", "WARN")}
    assert (result["verdict"]["state"], result["verdict"]["winner"]) == ("SHIP", "ad")


def test_ad_or_announcement__ads_seen_as_covariate__are_refused(imported: Importer, tmp_path: Path):
    def adjusted_by_ads(parts: dict[str, Any]) -> None:
        parts["outcomes"][0]["before"] = {"column": "total ads", "kind": "count"}

    before = rows_of_every_table()
    with pytest.raises(CommandError, match=r"MANIFEST_INVALID\n.*'total ads' may have been counted after units were"):
        imported(changed("ad-or-announcement", tmp_path, adjusted_by_ads), "marketing_ad_psa_2pct.csv.gz")
    assert rows_of_every_table() == before


def test_headline_test__window_of_the_cache_fault__is_not_trusted(imported: Importer):
    result = imported(EXAMPLES / "headline-test.yaml", "upworthy_exploratory_70pct.parquet")
    assert [found["units"] for found in result["scorecard"]["variants"]] == [2_723, 2_811, 3_306, 3_722]
    ratio = check(result, "SAMPLE_RATIO")
    assert (ratio["level"], ratio["outcome"]) == ("BLOCK", "FAILED")
    assert (result["verdict"]["state"], result["verdict"]["winner"]) == ("INVALID", None)


def test_headline_tests__some_of_both_windows__are_trusted_only_outside_it(
    imported: Importer, real_data: Path, tmp_path: Path
):
    path = real_data / "ab" / "upworthy_exploratory_70pct.parquet"
    chosen = duckdb.execute(
        "SELECT clickability_test_id, min(test_week) BETWEEN 201326 AND 201401 AS broken, list(headline)"
        " FROM read_parquet(?) WHERE test_week >= 201326 GROUP BY 1 HAVING count(DISTINCT headline) = count(*)"
        " QUALIFY row_number() OVER (PARTITION BY broken ORDER BY sha256(clickability_test_id)) <= 5",
        [str(path)],
    ).fetchall()
    states: dict[bool, list[str]] = {True: [], False: []}
    for key, broken, headlines in chosen:

        def of_test(parts: dict[str, Any], key: str = key, headlines: list[str] = headlines) -> None:
            parts["experiment"] |= {"key": f"headline-{key}", "recorded": key}
            parts["variants"] = [
                {"key": f"arm-{number}", "control": number == 0, "recorded": [headline]}
                for number, headline in enumerate(headlines)
            ]

        result = imported(changed("headline-test", tmp_path, of_test), path.name)
        states[broken].append(result["verdict"]["state"])
    assert [len(found) for found in states.values()] == [5, 5]
    assert states[True].count("INVALID") >= 3
    assert states[False].count("INVALID") == 0


def test_free_trial__two_files_with_a_missing_tail__is_held_back_by_its_guardrail(imported: Importer):
    files = [f"free_trial_screener_{name}.csv.gz" for name in ("control", "experiment")]
    result = imported(EXAMPLES / "free-trial-screener.yaml", *files)
    assert check(result, "SAMPLE_RATIO")["figures"]["p"] == pytest.approx(0.288, abs=5e-4)
    gross, net = (comparison(result, f"{name}-conversion", "screener") for name in ("gross", "net"))
    # outcomes exist for 23 of 37 days; clicks of the other days do not count as misses
    assert [found["control"]["n"] for found in (gross, net)] == [17_293, 17_293]
    assert gross["control"]["value"] * 100 == pytest.approx(21.8875, abs=5e-5)
    assert gross["treatment"]["value"] * 100 == pytest.approx(19.8320, abs=5e-5)
    assert interval_of(gross) == pytest.approx((-2.0555, -2.912, -1.199), abs=1e-3)
    assert gross["p_value"] == pytest.approx(2.6e-6, rel=0.01)
    assert net["control"]["value"] * 100 == pytest.approx(11.7562, abs=5e-5)
    assert net["treatment"]["value"] * 100 == pytest.approx(11.2688, abs=5e-5)
    assert interval_of(net) == pytest.approx((-0.4874, -1.160, 0.186), abs=1e-3)
    assert net["p_value"] == pytest.approx(0.156, abs=5e-4)
    # the margin is the practical bound of 0.75 points: the interval reaches beyond it
    assert net["non_inferiority"]["margin"] * net["control"]["value"] * 100 == pytest.approx(0.75, abs=0.01)
    assert not net["non_inferiority"]["passed"]
    assert (result["verdict"]["state"], result["verdict"]["winner"]) == ("INCONCLUSIVE", None)
    assert ("GUARDRAIL_NOT_SHOWN", "screener", None) in reasons(result)


def test_free_trial__clicks_as_what_was_split__agree_too(imported: Importer, tmp_path: Path):
    def split_by_clicks(parts: dict[str, Any]) -> None:
        parts["columns"]["units"] = "Clicks"

    files = [f"free_trial_screener_{name}.csv.gz" for name in ("control", "experiment")]
    result = imported(changed("free-trial-screener", tmp_path, split_by_clicks), *files)
    assert [found["units"] for found in result["scorecard"]["variants"]] == [28_378, 28_325]
    assert check(result, "SAMPLE_RATIO")["figures"]["p"] == pytest.approx(0.824, abs=5e-4)


@pytest.mark.slow
def test_fashion_experiments__last_totals_of_all_44__find_as_many_effects_as_published(imported: Importer):
    results = imported(EXAMPLES / "fashion-experiments.yaml", "asos_experiments_part0.csv.gz")
    found = [entry for result in results for entry in result["scorecard"]["comparisons"]]
    compared = {number: [c for c in found if c["metric"] == f"asos-metric-{number}"] for number in range(1, 5)}
    assert len(results) == 44
    assert len(compared[1]) == 56
    significant = {number: sum(is_significant(entry) for entry in entries) for number, entries in compared.items()}
    assert significant == {1: 14, 2: 14, 3: 14, 4: 14}
    known = {number: sum(entry["status"] == "OK" for entry in entries) for number, entries in compared.items()}
    assert known == {1: 56, 2: 55, 3: 55, 4: 55}
    assert sum(unbalanced(entry) for entry in compared[1]) == 5
    assert [result["verdict"]["state"] for result in results].count("INVALID") == 5
    (largest,) = [result for result in results if result["experiment"] == "asos-2c8a04"]
    effect = comparison(largest, "asos-metric-1", "treatment-1")
    assert effect["control"]["n"] == pytest.approx(64.8e6, rel=0.001)
    assert effect["absolute"]["value"] / effect["absolute"]["se"] == pytest.approx(28.58, abs=0.01)


def interval_of(found: dict[str, Any]) -> tuple[float, float, float]:
    """Return difference, lower and upper end in points."""
    ends = found["absolute"]["interval"]
    return found["absolute"]["value"] * 100, ends["lower"] * 100, ends["upper"] * 100


def is_significant(found: dict[str, Any]) -> bool:
    return found["p_value"] is not None and found["p_value"] < 0.05


def unbalanced(found: dict[str, Any]) -> bool:
    p = srm.fixed_p([found["control"]["n"], found["treatment"]["n"]], [1.0, 1.0])
    assert not isinstance(p, Undefined)
    return p < 0.001
