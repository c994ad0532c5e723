"""What changes the amount to pay is recognised by name, and whom it may randomise."""

from dataclasses import replace
from typing import Any

import pytest

from experiments.assignment.targeting import compile_audience
from experiments.payable import (
    IMPERSONAL_ATTRIBUTES,
    JURISDICTIONS,
    NEVER,
    PayableDesign,
    is_kept_to,
    names_within,
    payable_faults,
    personal_attributes,
    recognised,
)
from experiments.vocabulary import PERSONAL_UNITS, Payable, UnitKind

LAWFUL = PayableDesign(
    unit_kind=UnitKind.CLUSTER,
    declared=Payable.PRICE,
    implied=Payable.NOTHING,
    names=("price",),
    audience=None,
    personalised=False,
    allowed_in=(),
)


def codes(**changes: Any) -> list[str]:
    return [fault.code for fault in payable_faults(replace(LAWFUL, **changes))]


def asks(attribute: str, op: str = "eq", value: object = "x") -> dict[str, object]:
    return {"attribute": attribute, "op": op, "value": value}


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("price", Payable.PRICE),
        ("basePrice", Payable.PRICE),
        ("PRICE_LIST", Payable.PRICE),
        ("HTTPPrice", Payable.PRICE),
        ("checkout.discount-share", Payable.PRICE),
        ("couponCode", Payable.COUPON),
        ("promo_code", Payable.COUPON),
        ("voucher2", Payable.COUPON),
        ("shipping_fee", Payable.SHIPPING),
        ("freeShipping", Payable.SHIPPING),
        ("free-shipping-from", Payable.SHIPPING),
        ("member benefit", Payable.BENEFIT),
        ("rebate", Payable.BENEFIT),
        ("cashBack", Payable.BENEFIT),
        ("价格", Payable.PRICE),
        ("新品折扣", Payable.PRICE),
        ("优惠券面额", Payable.COUPON),
        ("运费模板", Payable.SHIPPING),
        ("会员优惠", Payable.BENEFIT),
        ("colour", Payable.NOTHING),
        ("priceless", Payable.NOTHING),
        ("shipping_banner", Payable.NOTHING),
        ("promo_banner", Payable.NOTHING),
        ("free_text", Payable.NOTHING),
        ("评价", Payable.NOTHING),
        ("价值观", Payable.NOTHING),
        ("", Payable.NOTHING),
    ],
)
def test_recognised__name_of_a_parameter__is_taken_word_by_word(name, kind):
    assert recognised(name) is kind


def test_names_within__objects_and_lists__are_looked_into():
    parameters = {"layout": "wide", "offers": [{"code": 1, "discount": {"share": 0.1}}]}
    assert list(names_within(parameters)) == ["layout", "offers", "code", "discount", "share"]


def test_faults__price_of_a_cluster__are_none():
    assert codes() == []
    assert codes(unit_kind=UnitKind.STORE, audience={"all": [asks("country"), asks("storeId"), asks("星期")]}) == []


def test_faults__nothing_that_anybody_pays__are_none_for_any_design():
    free = {"declared": Payable.NOTHING, "names": ("colour",)}
    assert codes(**free, unit_kind=UnitKind.VISITOR, audience=asks("income"), personalised=True) == []


@pytest.mark.parametrize("kind", sorted(PERSONAL_UNITS))
@pytest.mark.parametrize(
    "says",
    [
        {"declared": Payable.COUPON, "names": ()},
        {"declared": Payable.NOTHING, "implied": Payable.PRICE, "names": ()},
    ],
)
def test_faults__persons__are_refused_whoever_says_what_it_changes(kind, says):
    assert codes(unit_kind=kind, **says) == ["PAYABLE_BY_PERSON"]


def test_faults__recognised_and_undeclared__asks_for_a_word_and_guards_all_the_same():
    assert codes(declared=Payable.NOTHING) == ["PAYABLE_UNDECLARED"]
    found = codes(declared=Payable.NOTHING, unit_kind=UnitKind.VISITOR, audience=asks("age"), personalised=True)
    assert found == ["PAYABLE_UNDECLARED", "PAYABLE_BY_PERSON", "PAYABLE_PROFILE", "PAYABLE_PERSONALISED"]


def test_faults__spending_power__is_named_and_nobody_can_lift_it():
    audience = {"all": [asks("country", value="US"), {"not": asks("spending_power", "gte", 3)}]}
    design = replace(LAWFUL, declared=Payable.BENEFIT, unit_kind=UnitKind.VISITOR, audience=audience)
    (fault,) = payable_faults(replace(design, allowed_in=("US",)))
    assert fault.code == "PAYABLE_PROFILE"
    assert "asks for spending_power:" in fault.message


@pytest.mark.parametrize(
    "name",
    [
        "spending_power",
        "lifetimeValue",
        "income",
        "segment",
        "age",
        "gender",
        "device",
        "browser",
        "new customer",
        "vip",
    ],
)
def test_personal_attributes__who_somebody_is__is_found_wherever_it_stands(name):
    audience = {"any": [asks("country"), {"all": [{"not": asks(name)}, asks(name)]}]}
    compile_audience(audience)
    assert personal_attributes(audience) == (name,)


def test_personal_attributes__places_wares_and_times__are_none():
    assert personal_attributes({"all": [asks(name) for name in sorted(IMPERSONAL_ATTRIBUTES)]}) == ()
    assert personal_attributes({"all": [asks("dayOfWeek"), asks("Store-ID")]}) == ()
    assert personal_attributes(["no", 5, None, {"attribute": 7}]) == ()


@pytest.mark.parametrize(
    ("audience", "kept"),
    [
        (asks("country", "eq", "US"), True),
        (asks("country", "in", ["US", "DE"]), True),
        ({"all": [asks("city"), asks("country", "eq", "DE")]}, True),
        ({"any": [asks("country", "eq", "DE"), asks("country", "eq", "US")]}, True),
        (None, False),
        (asks("country", "in", ["US", "CN"]), False),
        (asks("country", "in", []), False),
        (asks("country", "ne", "CN"), False),
        ({"not": asks("country", "eq", "CN")}, False),
        ({"any": [asks("country", "eq", "DE"), asks("city")]}, False),
        (asks("region", "eq", "US"), False),
        ({"all": 5}, False),
    ],
)
def test_is_kept_to__audience__admits_nobody_of_another_country(audience, kept):
    assert is_kept_to(audience, ("DE", "US")) is kept


def test_faults__somebody_answers_for_it__only_where_they_do():
    persons = {"unit_kind": UnitKind.VISITOR, "allowed_in": ("US",)}
    assert codes(**persons, audience=asks("country", "eq", "US")) == []
    assert codes(**persons) == ["PAYABLE_ELSEWHERE"]
    assert codes(**persons, audience=asks("country", "eq", "CN")) == ["PAYABLE_ELSEWHERE"]


def test_jurisdictions__are_countries_with_china_among_them_to_be_refused():
    assert len(JURISDICTIONS) == 249
    assert {NEVER, "HK", "MO", "US", "DE"} <= JURISDICTIONS
    assert all(len(code) == 2 and code.isascii() and code.isupper() for code in JURISDICTIONS)


@pytest.mark.parametrize("kind", sorted(PERSONAL_UNITS))
def test_faults__persons_who_are_named__would_pay_by_their_names_and_nobody_can_lift_it(kind):
    audience = asks("country", value="US")
    assert codes(unit_kind=kind, audience=audience, allowed_in=("US",)) == []
    assert codes(unit_kind=kind, audience=audience, allowed_in=("US",), named=True) == ["PAYABLE_BY_NAME"]
    assert codes(unit_kind=kind, named=True, declared=Payable.NOTHING, names=("colour",)) == []
