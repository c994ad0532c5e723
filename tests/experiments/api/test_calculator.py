"""The calculator over HTTP: what the command computes, strictly read, refused by field, and never slow."""

import json
from concurrent.futures import ThreadPoolExecutor
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client
from jsonschema import Draft202012Validator

from experiments.analysis.calculator.power import MOST_WORK, PowerRequest, planned, power_figures
from experiments.analysis.calculator.reading import read
from experiments.api.calculator import COMPARE_EXAMPLES, POWER_EXAMPLES
from experiments.statistics.design_bounds import one_sided_bounds, two_sided_bounds
from foundation.actions.projects import issue_api_key
from tests.fixtures.records import ACTOR, NOW, make_project

pytestmark = pytest.mark.django_db
POWER, COMPARE = "/api/v1/calculator/power", "/api/v1/calculator/compare"
RATE: dict[str, Any] = {"rate": 0.04, "effect": 0.05}
ARM: dict[str, Any] = {"units": 1000, "conversions": 40}
ARMS: dict[str, Any] = {"control": ARM, "treatments": [ARM]}


@pytest.fixture
def ask():
    """Return a function that sends a body, or raw text, with a server key."""
    key = issue_api_key(project_id=make_project(), kind="server", name="k", acting_user=ACTOR, now=NOW).secret

    def send(path: str, body: object):
        text = body if isinstance(body, str) else json.dumps(body)
        return Client().post(path, text, content_type="application/json", headers={"Authorization": f"Bearer {key}"})

    return send


def printed(*arguments: str) -> dict:
    """Return what the command prints as JSON."""
    out = StringIO()
    call_command("power", *arguments, "--json", stdout=out)
    return json.loads(out.getvalue())


@pytest.mark.parametrize(
    ("body", "arguments"),
    [
        (RATE, "--rate 0.04 --effect 0.05"),
        (
            {"kind": "mean", "mean": 2.5, "sd": 30, "r2": 0.3, "units": 1e5, "method": "fixed", "treatments": 3},
            "--kind mean --mean 2.5 --sd 30 --r2 0.3 --units 1e5 --method fixed --treatments 3",
        ),
        (
            {
                "kind": "ratio",
                "numerator": 10,
                "denominator": 5,
                "numerator_sd": 3,
                "denominator_sd": 1,
                "correlation": 0.4,
                "absolute_effect": 0.1,
                "days": 28,
                "per_day": 400,
                "window_days": 3,
                "method": "confidence-sequence",
                "looks": 6,
                "cluster_size": 4,
                "icc": 0.1,
                "cluster_cv": 0.5,
            },
            (
                "--kind ratio --numerator 10 --denominator 5 --numerator-sd 3 --denominator-sd 1 --correlation 0.4 "
                "--absolute-effect 0.1 --days 28 --per-day 400 --window-days 3 --method confidence-sequence --looks 6 "
                "--cluster-size 4 --icc 0.1 --cluster-cv 0.5"
            ),
        ),
        (
            {
                **RATE,
                "per_day": 20000,
                "alpha": 0.1,
                "power": 0.9,
                "control_share": 0.4,
                "correction": "holm",
                "decision_metrics": 2,
                "spending": "pocock",
                "reserved": 0.2,
                "triggered": 0.5,
                "guardrails": [
                    {"name": "errors", "rate": 0.01, "margin": 0.2, "lower_is_better": True},
                    {"name": "revenue", "mean": 2, "sd": 20, "margin": 0.1, "alpha": 0.1, "r2": 0.2},
                ],
            },
            (
                "--rate 0.04 --effect 0.05 --per-day 20000 --alpha 0.1 --power 0.9 --control-share 0.4 "
                "--correction holm --decision-metrics 2 --spending pocock --reserved 0.2 --triggered 0.5 "
                "--guardrail name=errors,rate=0.01,margin=0.2,lower-is-better "
                "--guardrail name=revenue,mean=2,sd=20,margin=0.1,alpha=0.1,r2=0.2"
            ),
        ),
    ],
)
def test_power__of_any_design__is_what_the_command_prints(ask, body, arguments):
    answer = ask(POWER, body)
    assert (answer.status_code, answer["Content-Type"]) == (200, "application/json")
    assert answer.json() == printed(*arguments.split())


@pytest.mark.parametrize(
    ("body", "arguments"),
    [
        (
            ARMS | {"treatments": [{"units": 990, "conversions": 60}, ARM], "split": [50, 25, 25], "alpha": 0.1},
            "--control 1000 40 --treatment 990 60 --treatment 1000 40 --split 50 25 25 --alpha 0.1",
        ),
        (COMPARE_EXAMPLES["Revenue"], "--kind mean --control 5000 2.5 30 210 --treatment 5000 3.1 33 240"),
        (
            COMPARE_EXAMPLES["Revenue per order"],
            (
                "--kind ratio --control 5000 61000 9000 1490000 23000 158000 "
                "--treatment 5000 62500 9000 1560000 23000 158000"
            ),
        ),
    ],
)
def test_compare__of_any_kind__is_what_the_command_prints(ask, body, arguments):
    answer = ask(COMPARE, body)
    assert answer.status_code == 200
    assert answer.json() == printed("--compare", *arguments.split())


def test_power__figures_that_do_not_exist__are_null_with_a_reason(ask):
    told = ask(POWER, RATE).json()
    assert (told["days"], told["clusters"], told["by_week"]) == (None, None, [])
    assert told["reasons"] == {"days": "NO_TRAFFIC", "by_week": "NO_TRAFFIC", "clusters": "NO_CLUSTERS"}
    assert told["design"]["method"] == "group-sequential"
    weeks = ask(POWER, RATE | {"per_day": 2000}).json()["by_week"]
    assert weeks[0] == {"week": 1, "units": 0, "lift": None, "reason": "WINDOW_OPEN"}


def test_compare__arms_off_their_split__says_so(ask):
    told = ask(COMPARE, {"control": {"units": 10_000, "conversions": 400}, "treatments": [ARM | {"units": 9_000}]})
    ratio = told.json()["sample_ratio"]
    assert (ratio["expected"], ratio["mismatch"], ratio["alpha"]) == ([9_500.0, 9_500.0], True, 0.001)
    planned = {
        "control": {"units": 10_000, "conversions": 400},
        "treatments": [ARM | {"units": 9_000}],
        "split": [10, 9],
    }
    assert ask(COMPARE, planned).json()["sample_ratio"]["mismatch"] is False
    empty = {"units": 0, "conversions": 0}
    nobody = ask(COMPARE, {"control": empty, "treatments": [empty]}).json()
    assert nobody["sample_ratio"]["reason"] == nobody["comparisons"][0]["reason"] == "NO_DATA"


UNFIT: tuple[Any, ...] = (0, -0.1, 1, 1e300, "0.04", True, [], {})
BAD_POWER: list[tuple[dict[str, Any], str]] = [
    ({}, "rate"),
    ({"rate": 0.04}, "effect"),
    ({"effect": 0.05}, "rate"),
    *[({"rate": rate, "effect": 0.05}, "rate") for rate in UNFIT],
    *[({"rate": 0.04, "effect": effect}, "effect") for effect in (0, -1, 1e300, "5%", 30)],
    *[(RATE | {"alpha": alpha}, "alpha") for alpha in (0, -1, 0.5, 1e300, "x", None)],
    *[(RATE | {"power": power}, "power") for power in (0, 0.01, 1, 2, "x")],
    *[(RATE | {"treatments": number}, "treatments") for number in (0, -1, 51, 1.5, 1e300, "2", True, None)],
    *[(RATE | {"looks": number}, "looks") for number in (0, -1, 121, 10**30, 2.5, "2")],
    (RATE | {"looks": 2, "method": "fixed"}, "looks"),
    *[(RATE | {"per_day": number}, "per_day") for number in (0, -5, "many")],
    *[(RATE | {"window_days": number}, "window_days") for number in (-1, 366, 0.5)],
    (RATE | {"per_day": 5, "window_days": -1}, "window_days"),
    ({"rate": 0.04, "units": 0}, "units"),
    ({"rate": 0.04, "units": -4}, "units"),
    ({"rate": 0.04, "units": 3}, "units"),
    ({"rate": 0.04, "days": 10}, "per_day"),
    ({"rate": 0.04, "days": 10, "units": 10, "per_day": 5}, "days"),
    ({"rate": 0.04, "days": 3, "per_day": 5}, "days"),
    ({"rate": 0.04, "days": 8, "per_day": 1}, "days"),
    (RATE | {"absolute_effect": 0.01}, "absolute_effect"),
    ({"rate": 0.04, "absolute_effect": 2}, "absolute_effect"),
    (RATE | {"mean": 3}, "mean"),
    ({"kind": "mean", "mean": 3, "effect": 0.1}, "sd"),
    ({"kind": "mean", "mean": 0, "sd": 3, "effect": 0.1}, "mean"),
    ({"kind": "mean", "mean": 3, "sd": 0, "effect": 0.1}, "sd"),
    ({"kind": "mean", "mean": 1e-300, "sd": 1e300, "effect": 0.1}, "mean"),
    ({"kind": "mean", "mean": 1e-9, "sd": 1e9, "effect": 0.1}, "effect"),
    ({"kind": "ratio", "numerator": 3, "effect": 0.1}, "denominator"),
    ({"kind": "odds", "rate": 0.1, "effect": 0.1}, "kind"),
    (RATE | {"method": "peeking"}, "method"),
    (RATE | {"spending": "all"}, "spending"),
    (RATE | {"reserved": 1}, "reserved"),
    (RATE | {"reserved": 0.1, "method": "fixed"}, "reserved"),
    (RATE | {"correction": "dunnett"}, "correction"),
    (RATE | {"control_share": 1}, "control_share"),
    (RATE | {"decision_metrics": 51}, "decision_metrics"),
    (RATE | {"triggered": 0}, "triggered"),
    (RATE | {"icc": 0.1}, "cluster_size"),
    (RATE | {"cluster_size": 0.5}, "cluster_size"),
    (RATE | {"cluster_size": 5, "icc": 2}, "icc"),
    (RATE | {"cluster_size": 5, "cluster_cv": -1}, "cluster_cv"),
    (RATE | {"r2": 1}, "r2"),
    (RATE | {"guardrails": [{"name": "g", "rate": 0.1}]}, "guardrails/0/margin"),
    (RATE | {"guardrails": [{"name": "g", "margin": 0.1}]}, "guardrails/0"),
    (RATE | {"guardrails": [{"name": "g: h", "rate": 0.1, "margin": 2}]}, "guardrails/0/margin"),
    (RATE | {"guardrails": [{"name": "g", "rate": 7, "margin": 0.2}]}, "guardrails/0/rate"),
    (RATE | {"guardrails": [{"name": "", "rate": 0.1, "margin": 0.2}]}, "guardrails/0/name"),
    (RATE | {"guardrails": [{"name": "g" * 101, "rate": 0.1, "margin": 0.2}]}, "guardrails/0/name"),
    (RATE | {"guardrails": [{"name": "g", "rate": 0.1, "margin": 0.2}] * 21}, "guardrails"),
    (RATE | {"guardrails": "g"}, "guardrails"),
    (RATE | {"looks": 120, "guardrails": [{"name": "g", "rate": 0.1, "margin": 0.2}] * 2}, "looks"),
    (RATE | {"unheard_of": 1}, "unheard_of"),
]


@pytest.mark.parametrize(("body", "field"), BAD_POWER, ids=[json.dumps(body)[:70] for body, _ in BAD_POWER])
def test_power__unusable_figures__are_refused_by_field_with_what_to_do(ask, body, field):
    answer = ask(POWER, body)
    assert (answer.status_code, answer["Content-Type"]) == (422, "application/problem+json"), answer.json()
    told = answer.json()
    assert told["code"] == "CALCULATION_INVALID"
    assert told["errors"][0]["pointer"] == f"#/{field}"
    assert told["detail"]
    assert told["hint"]


BAD_COMPARE: list[tuple[dict[str, Any], str]] = [
    ({}, "control"),
    ({"control": ARM}, "treatments"),
    ({"control": ARM, "treatments": []}, "treatments"),
    ({"control": ARM, "treatments": [ARM] * 11}, "treatments"),
    *[
        ({"control": {"units": units, "conversions": 1}, "treatments": [ARM]}, "control/units")
        for units in (-1, 1.5, 1e300, "10", None, 10**16, 10**400)
    ],
    ({"control": ARM, "treatments": [{"units": 10, "conversions": 11}]}, "treatments/0/conversions"),
    ({"control": ARM, "treatments": [{"units": 10}]}, "treatments/0/conversions"),
    ({"control": ARM, "treatments": [ARM | {"mean": 3}]}, "treatments/0/mean"),
    ({"control": ARM, "treatments": [ARM | {"extra": 3}]}, "treatments/0/extra"),
    *[(ARMS | {"alpha": alpha}, "alpha") for alpha in (0, 1, -1, 1e300, "x")],
    *[(ARMS | {"split": split}, "split") for split in ([1], [1, 0], [1, -1], [1, 1, 1], "half")],
    (ARMS | {"split": [1, "1"]}, "split/1"),
    (ARMS | {"split": [1e300, 1e-300]}, "split/0"),
    (ARMS | {"kind": "ratio"}, "control/conversions"),
    (ARMS | {"more": 1}, "more"),
    (
        {"kind": "mean", "control": {"units": 10, "mean": 1, "sd": -1}, "treatments": [ARM]},
        "control/sd",
    ),
    (
        {"kind": "mean", "control": {"units": 10, "mean": 1, "sd": 1e300}, "treatments": [ARM]},
        "control/sd",
    ),
    (
        {"kind": "mean", "control": {"units": 10, "mean": 1, "sd": 1, "nonzero": 11}, "treatments": [ARM]},
        "control/nonzero",
    ),
]
_RATIO_ARM = COMPARE_EXAMPLES["Revenue per order"]["control"]
BAD_COMPARE += [
    ({"kind": "ratio", "control": _RATIO_ARM | change, "treatments": [_RATIO_ARM]}, f"control/{next(iter(change))}")
    for change in (
        {"numerator_squares": 10.0},
        {"denominator_squares": -1.0},
        {"products": 1e9},
        {"products": "x"},
        {"numerator": 1e200},
    )
]


@pytest.mark.parametrize(("body", "field"), BAD_COMPARE, ids=[json.dumps(body)[:70] for body, _ in BAD_COMPARE])
def test_compare__unusable_figures__are_refused_by_field_with_what_to_do(ask, body, field):
    answer = ask(COMPARE, body)
    assert (answer.status_code, answer["Content-Type"]) == (422, "application/problem+json"), answer.json()
    told = answer.json()
    assert told["errors"][0]["pointer"] == f"#/{field}"
    assert told["detail"]
    assert told["hint"]


@pytest.mark.parametrize("path", [POWER, COMPARE])
@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("", 422),
        ("{", 400),
        ('{"rate": NaN, "effect": 0.1}', 400),
        ('{"rate": Infinity, "effect": 0.1}', 400),
        ("[]", 422),
        ("null", 422),
        ("7", 422),
        ('{"rate": 1e999, "effect": 0.1}', 422),
    ],
)
def test_calculator__unreadable_bodies__are_problems(ask, path, text, status):
    answer = ask(path, text)
    assert (answer.status_code, answer["Content-Type"]) == (status, "application/problem+json")
    assert answer.json()["detail"]


@pytest.mark.parametrize("path", [POWER, COMPARE])
def test_calculator__without_a_server_key__is_401(path):
    answer = Client().post(path, json.dumps(RATE), content_type="application/json")
    assert (answer.status_code, answer["Content-Type"]) == (401, "application/problem+json")
    assert Client().get(path).status_code == 401


def test_power__most_work__is_computed_and_more_is_refused(ask):
    guardrails = [{"name": f"g{i}", "rate": 0.1, "margin": 0.2, "alpha": 0.01 + i / 1000} for i in range(20)]
    body = RATE | {"guardrails": guardrails, "looks": MOST_WORK // 21}
    assert ask(POWER, body).status_code == 200
    refused = ask(POWER, body | {"looks": MOST_WORK // 21 + 1})
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "#/looks")


def test_power__asked_by_many_threads_at_once__answers_each_with_its_own_figures(ask):
    """Bounds are kept for the next request; threads that compute the same ones at once must not disturb each other."""

    def figures(rate: float) -> dict:
        request = read(PowerRequest, RATE | {"rate": rate, "looks": 9, "alpha": 0.03})
        return power_figures(request, planned(request))

    rates = [0.01 * (1 + i % 5) for i in range(40)]
    expected = [figures(rate) for rate in rates]
    two_sided_bounds.cache_clear()
    one_sided_bounds.cache_clear()
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(figures, rates)) == expected


def test_schema__of_the_calculator__describes_requests_and_answers(ask, client):
    paths = client.get("/api/schema").json()["paths"]
    for path, examples in ((POWER, POWER_EXAMPLES), (COMPARE, COMPARE_EXAMPLES)):
        operation = paths[path]["post"]
        assert operation["security"] == [{"serverKey": []}]
        asked = operation["requestBody"]["content"]["application/json"]
        answered = operation["responses"]["200"]["content"]["application/json"]["schema"]
        assert [found["value"] for found in asked["examples"].values()] == list(examples.values())
        assert "$ref" not in json.dumps(operation)
        for body in examples.values():
            Draft202012Validator(asked["schema"]).validate(body)
            Draft202012Validator(answered).validate(ask(path, body).json())
        for status in ("400", "401", "422"):
            problem = operation["responses"][status]["content"]["application/problem+json"]["schema"]
        Draft202012Validator(problem).validate(ask(path, {}).json())


def test_schema__limits_of_figures__are_those_of_the_statistics(ask, client):
    """What the schema admits at its ends is computed, and what it refuses is refused."""
    schema = client.get("/api/schema").json()["paths"][POWER]["post"]["requestBody"]["content"]["application/json"]
    judge = Draft202012Validator(schema["schema"])
    for body, _field in BAD_POWER:
        if not judge.is_valid(body):
            assert ask(POWER, body).status_code == 422
    limited = {
        name: found
        for name, found in schema["schema"]["properties"].items()
        if {"maximum", "exclusiveMaximum", "minimum", "exclusiveMinimum"} & set(found)
    }
    assert len(limited) > 15
    for name in (
        "rate",
        "alpha",
        "power",
        "control_share",
        "treatments",
        "triggered",
        "r2",
        "looks",
        "decision_metrics",
    ):
        for beyond in (limited[name].get("exclusiveMaximum"), (limited[name].get("maximum") or 0) + 1):
            if beyond is not None:
                assert ask(POWER, RATE | {name: beyond}).status_code == 422, (name, beyond)
