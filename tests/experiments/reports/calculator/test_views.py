"""The calculator's pages: who reads them, what they say first, and that no figure typed breaks them."""

import re
from html import unescape

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.utils import translation
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from config.csp import HEADER
from experiments.analysis.calculator.power import PowerRequest, planned
from experiments.analysis.calculator.reading import read
from experiments.reports.calculator.compare_form import compare_form
from experiments.reports.calculator.compare_page import compare_answer
from experiments.reports.calculator.power_form import power_form
from experiments.reports.calculator.power_page import power_answer

pytestmark = pytest.mark.django_db
POWER, COMPARE = "/calculator", "/calculator/compare"


@pytest.fixture
def reader() -> Client:
    """Return a logged-in person of the console who may view experiments."""
    user = User.objects.create(username="reader", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="view_experiment"))
    client = Client()
    client.force_login(user)
    return client


def text_of(client: Client, path: str, **typed: str) -> str:
    """Return what a page says, without its markup."""
    answer = client.get(path, typed)
    assert answer.status_code == 200
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", answer.content.decode())))


@pytest.mark.parametrize("path", [POWER, COMPARE])
def test_page__nobody_or_somebody_without_permission__does_not_see_it(client: Client, path: str) -> None:
    assert client.get(path)["Location"] == f"/admin/login/?next={path}"
    client.force_login(User.objects.create(username="clerk", is_staff=True))
    assert client.get(path).status_code == 403


@pytest.mark.parametrize("path", [POWER, COMPARE])
def test_page__for_a_reader__runs_nothing_and_is_not_kept(reader: Client, path: str) -> None:
    answer = reader.get(path)
    assert "nonce-" in answer[HEADER]
    assert "unsafe" not in answer[HEADER]
    assert "private" in answer["Cache-Control"]
    page = answer.content.decode()
    assert "<script" not in page
    assert " style=" not in page
    assert 'aria-current="page">Calculator</a>' in page
    assert reader.post(path).status_code == 405


def test_power__without_figures__shows_an_example_that_says_so(reader: Client) -> None:
    said = text_of(reader, POWER)
    assert "The figures are an example" in said
    assert "With 5,000 visitors a day you need 4 weeks to find a lift of 10% or more." in said


def test_power__lift_and_traffic__begins_with_the_weeks(reader: Client) -> None:
    said = text_of(reader, POWER, rate="4%", per_day="2,000", effect="20")
    found = planned(read(PowerRequest, {"rate": 0.04, "per_day": 2000, "effect": 0.2}))
    weeks = found.answer.days // 7
    assert f"With 2,000 visitors a day you need {weeks} weeks to find a lift of 20% or more." in said
    assert f"{found.answer.units:,}" in said
    assert "example" not in said
    assert "this test" in said


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ({"rate": "4", "effect": "5"}, "You need 331,564 visitors to find a lift of 5% or more."),
        ({"rate": "4", "effect": "-5"}, "visitors to find a fall of 5% or more."),
        (
            {"rate": "4", "weeks": "3", "per_day": "5000"},
            "With 5,000 visitors a day, 3 weeks are enough to find a lift of 11% or more.",
        ),
        ({"rate": "4", "weeks": "3", "per_day": "5000", "effect": "11.1"}, "is found with a chance of 80"),
        ({"rate": "4", "effect": "-20", "per_day": "5000"}, "weeks to find a fall of 20% or more."),
        ({"rate": "4", "effect": "-20", "weeks": "3", "per_day": "5000"}, "A real fall of 20% is found"),
        ({"rate": "4", "effect": "2", "weeks": "2", "per_day": "100"}, "would more often miss this lift than find it"),
        ({"rate": "4", "effect": "2", "per_day": "1000"}, "Tests of more than eight weeks"),
        ({"kind": "mean", "mean": "2.5", "sd": "30", "effect": "5", "r2": "30"}, "visitors to find a lift of 5%"),
        ({"kind": "ratio", "mean": "60", "sd": "90", "effect": "5"}, "visitors to find a lift of 5%"),
        ({"rate": "4", "effect": "5", "cluster_size": "20", "icc": "0.1"}, "They multiply the visitors by 2.9"),
        (
            {"rate": "4", "effect": "5", "g0_name": "errors", "g0_rate": "1", "g0_margin": "20"},
            "Guardrail errors",
        ),
        ({"rate": "4", "effect": "5", "method": "fixed"}, "Visitors in all 308,608"),
    ],
)
def test_power__each_question__has_its_sentence(reader: Client, typed: dict, sentence: str) -> None:
    assert sentence in text_of(reader, POWER, **typed)


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        ({"rate": "x", "effect": "5"}, "rate"),
        ({"rate": "", "effect": "5"}, "rate"),
        ({"rate": "100", "effect": "5"}, "rate"),
        ({"rate": "1e9999", "effect": "5"}, "rate"),
        ({"rate": "NaN", "effect": "5"}, "rate"),
        ({"rate": "4", "effect": "0"}, "effect"),
        ({"rate": "4", "effect": ""}, "effect"),
        ({"rate": "4", "effect": "5", "per_day": "-1"}, "per_day"),
        ({"rate": "4", "weeks": "1", "per_day": "100"}, "weeks"),
        ({"rate": "4", "weeks": "3", "per_day": ""}, "per_day"),
        ({"rate": "4", "effect": "5", "looks": "2.5"}, "looks"),
        ({"rate": "4", "effect": "5", "looks": "3", "method": "fixed"}, "looks"),
        ({"rate": "4", "effect": "5", "method": "peeking"}, "method"),
        ({"rate": "4", "effect": "5", "treatments": "51"}, "treatments"),
        ({"rate": "4", "effect": "5", "icc": "0.1"}, "cluster_size"),
        ({"rate": "4", "effect": "5", "g1_rate": "1"}, "g1_margin"),
        ({"rate": "4", "effect": "5", "g1_margin": "1"}, "g1_rate"),
        ({"rate": "4", "effect": "5", "g1_rate": "1", "g1_margin": "200"}, "g1_margin"),
    ],
)
def test_power__figures_that_cannot_be_used__are_marked_and_nothing_is_computed(reader, typed, field):
    page = reader.get(POWER, typed).content.decode()
    assert "Nothing was computed." in page
    assert re.findall(r'class="error" id="e_(\w+)"', page) == [field]
    assert "What you can find" not in page


def test_power__hostile_text__is_shown_as_text(reader: Client) -> None:
    evil = '"><script>alert(1)</script>'
    page = reader.get(POWER, {"rate": evil, "effect": evil, "g0_name": evil, "kind": evil}).content.decode()
    assert "<script" not in page
    assert "&lt;script&gt;" in page


def test_compare__two_arms__says_what_one_look_says(reader: Client) -> None:
    said = text_of(reader, COMPARE, a0_units="10000", a0_conversions="400", a1_units="10,000", a1_conversions="460")
    assert "Treatment: higher than the control" in said
    assert "4.60% against 4.00% of the control: +15.0%, 95% interval +0.9% to +31.1%." in said
    assert "(p = 0.036)" in said
    assert "follow the planned split" in said


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ({}, "The figures are an example"),
        ({"kind": "mean"}, "Welch"),
        ({"kind": "ratio"}, "ratio linearised"),
        (
            {"a0_units": "10000", "a0_conversions": "400", "a1_units": "9000", "a1_conversions": "360"},
            "do not follow the planned split (p < 0.0001; expected were 9,500 / 9,500)",
        ),
        (
            {"a0_units": "100", "a0_conversions": "4", "a1_units": "100", "a1_conversions": "5"},
            "no difference shown",
        ),
        ({"a0_units": "100", "a0_conversions": "4", "a1_units": "0", "a1_conversions": "0"}, "It cannot be compared"),
        (
            {
                "kind": "mean",
                "a0_units": "5000",
                "a0_mean": "-1.5",
                "a0_sd": "20",
                "a1_units": "5000",
                "a1_mean": "-3",
                "a1_sd": "20",
            },
            "lower than the control",
        ),
        (
            {
                "arms": "3",
                "a0_units": "100",
                "a0_conversions": "40",
                "a1_units": "100",
                "a1_conversions": "50",
                "a2_units": "100",
                "a2_conversions": "80",
            },
            "Treatment 2: higher than the control",
        ),
    ],
)
def test_compare__each_state__has_its_sentence(reader: Client, typed: dict, sentence: str) -> None:
    assert sentence in text_of(reader, COMPARE, **typed)


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        ({"a0_units": "10.5", "a0_conversions": "1", "a1_units": "10", "a1_conversions": "1"}, "a0_units"),
        ({"a0_units": "10", "a0_conversions": "", "a1_units": "10", "a1_conversions": "1"}, "a0_conversions"),
        ({"a0_units": "10", "a0_conversions": "1", "a1_units": "10", "a1_conversions": "11"}, "a1_conversions"),
        (
            {"a0_units": "9", "a0_conversions": "1", "a1_units": "9", "a1_conversions": "1", "a0_weight": "5"},
            "a0_weight",
        ),
        ({"a0_units": "9", "a0_conversions": "1", "a1_units": "9", "a1_conversions": "1", "alpha": "100"}, "alpha"),
    ],
)
def test_compare__figures_that_cannot_be_used__are_marked(reader: Client, typed: dict, field: str) -> None:
    page = reader.get(COMPARE, typed).content.decode()
    assert "Nothing was computed." in page
    assert re.findall(r'class="error" id="e_(\w+)"', page) == [field]


def test_compare__more_treatments__are_added_up_to_the_most(reader: Client) -> None:
    page = reader.get(f"{COMPARE}?arms=2&arms=3").content.decode()
    assert 'name="a2_units"' in page
    assert 'value="4">Add a treatment' in page
    most = reader.get(COMPARE, {"arms": "9" * 30}).content.decode()
    assert 'name="a10_units"' in most
    assert "Add a treatment" not in most


TYPED = st.one_of(
    st.sampled_from(["", "0", "-1", "1", "5", "50", "100", "1e300", "1e-300", "1e15", "nan", "1,000", "4%", "x", "1e"]),
    st.text(max_size=12),
)
NAMES = [
    *("rate", "mean", "sd", "per_day", "effect", "weeks", "treatments", "window_days", "power", "alpha", "r2"),
    *("looks", "triggered", "decision_metrics", "control_share", "cluster_size", "icc", "cluster_cv"),
    *("g0_rate", "g0_mean", "g0_sd", "g0_margin"),
]


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(["conversion", "mean", "ratio"]), st.dictionaries(st.sampled_from(NAMES), TYPED, min_size=1))
def test_power_form__whatever_is_typed__answers_or_marks_a_field(kind: str, typed: dict) -> None:
    form = power_form({"kind": kind, **typed})
    assert form.fault is (form.found is None)
    shown = [*form.baseline, *form.question, *form.options, *(field for row in form.guardrails for field in row)]
    assert any(field.error for field in shown) is form.fault
    if form.found is not None:
        said = repr(power_answer(form.found))
        assert re.search(r"\b(nan|inf)\b", said) is None


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.sampled_from(["conversion", "mean", "ratio"]),
    st.lists(TYPED, min_size=14, max_size=14),
)
def test_compare_form__whatever_is_typed__answers_or_marks_a_field(kind: str, values: list[str]) -> None:
    names = {"conversion": ["units", "conversions", "weight"], "mean": ["units", "mean", "sd", "nonzero", "weight"]}
    ratio = ["units", "numerator", "denominator", "numerator_squares", "denominator_squares", "products", "weight"]
    fields = [f"a{arm}_{name}" for arm in (0, 1) for name in names.get(kind, ratio)]
    form = compare_form({"kind": kind, **dict(zip(fields, values, strict=False))})
    assert form.fault is (form.found is None)
    assert any(field.error for arm in form.arms for field in arm.fields) is form.fault
    if form.found is not None:
        with translation.override("en"):
            assert re.search(r"\b(nan|inf)\b", repr(compare_answer(form.found, kind))) is None
