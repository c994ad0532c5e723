"""Whether an experiment changes what a person pays, and whom it may then randomise. Pure.

A price, a coupon, a shipping fee or a benefit that depends on who asks treats persons who want the same thing at the
same time differently. That is unlawful in some countries, has to be disclosed in others, and is resented in all. So
what changes the amount to pay is tried on items, stores or clusters; how persons differ never decides about it.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from experiments.vocabulary import PERSONAL_UNITS, Payable, UnitKind

_COUNTRIES = """
AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ
CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO
FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE
JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO
MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW
PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM
TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW
"""
_IMPERSONAL = """
country region province state city market site store store_id item item_id product product_id sku cluster cluster_id
category brand department supplier warehouse currency channel season month weekday day_of_week hour
国家 地区 省份 城市 市场 站点 门店 商品 品类 类目 品牌 部门 供应商 仓库 币种 渠道 季节 月份 星期
"""
_PAID: Final[Mapping[Payable, str]] = {
    Payable.COUPON: "coupon coupons voucher vouchers promocode promocodes promo_code promo_codes",
    Payable.SHIPPING: "postage freight free_shipping free_delivery ship_free shipping_fee shipping_fees shipping_cost "
    "shipping_costs shipping_rate shipping_rates delivery_fee delivery_fees delivery_cost delivery_costs",
    Payable.PRICE: "price prices priced pricing surcharge surcharges discount discounts discounted discounting",
    Payable.BENEFIT: "benefit benefits rebate rebates cashback cash_back subsidy subsidies",
}
_PAID_IN_CHINESE: Final[Mapping[Payable, str]] = {
    Payable.COUPON: "优惠券 代金券 抵用券 消费券 折扣券 优惠码 红包",
    Payable.SHIPPING: "运费 邮费 包邮 免邮 配送费",
    Payable.PRICE: "价格 售价 定价 单价 特价 原价 现价 降价 涨价 改价 折扣 打折 满减 立减",
    Payable.BENEFIT: "补贴 返现 返利 权益 福利 优惠 会员价",
}

JURISDICTIONS: Final = frozenset(_COUNTRIES.split())
"""The countries of ISO 3166-1, two letters each."""
NEVER: Final = "CN"
"""Where nobody can answer for prices by person; Hong Kong and Macao are jurisdictions of their own."""
IMPERSONAL_ATTRIBUTES: Final = frozenset(_IMPERSONAL.split())
"""What the audience of such an experiment may ask for: places, wares and times, never who somebody is."""
COUNTRY: Final = "country"
"""The attribute by which an experiment is kept to the countries that somebody answers for."""

_WORD: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+|[^\W0-9A-Za-z_]+")


@dataclass(frozen=True, slots=True)
class PayableDesign:
    """What the guard looks at.

    named: whether test units are named, who get their variant whatever the audience. declared: what the author says it
    changes. implied: what the decision point, if there is one, decides about. names:
    of parameters, those inside of objects too. allowed_in: the countries for which a named person answers for it that
    persons pay differently; empty where nobody does.
    """

    unit_kind: UnitKind
    declared: Payable
    implied: Payable
    names: tuple[str, ...]
    audience: object
    personalised: bool
    allowed_in: tuple[str, ...]
    named: bool = False


@dataclass(frozen=True, slots=True)
class PayableFault:
    """Why an experiment that changes what a person pays may not start."""

    code: str
    message: str
    fix: str


def recognised(name: str) -> Payable:
    """Return what of the amount to pay a parameter of this name changes, NOTHING where it does not sound like it.

    Words, and pairs of words, are those within snake_case, kebab-case and camelCase; Chinese ones are found wherever
    they stand.
    """
    words = _plain(name).split("_")
    found = {*words, *map("_".join, pairwise(words))}
    for kind, said in _PAID.items():
        if not found.isdisjoint(said.split()):
            return kind
    for kind, said in _PAID_IN_CHINESE.items():
        if any(word in name for word in said.split()):
            return kind
    return Payable.NOTHING


def names_within(parameters: object) -> Iterator[str]:
    """Yield the names of parameters, and of what lies inside of them."""
    if isinstance(parameters, Mapping):
        for name, value in parameters.items():
            yield str(name)
            yield from names_within(value)
    elif isinstance(parameters, list | tuple):
        for value in parameters:
            yield from names_within(value)


def personal_attributes(audience: object) -> tuple[str, ...]:
    """Return the attributes of an audience that say who somebody is, each once: all but the impersonal ones."""
    asked = dict.fromkeys(_attributes(audience))
    return tuple(name for name in asked if _plain(name) not in IMPERSONAL_ATTRIBUTES)


def is_kept_to(audience: object, countries: Collection[str]) -> bool:
    """Return whether an audience admits nobody but shoppers who are known to be in these countries."""
    if not isinstance(audience, Mapping):
        return False
    if isinstance(audience.get("all"), list | tuple):
        return any(is_kept_to(part, countries) for part in audience["all"])
    if isinstance(audience.get("any"), list | tuple):
        return all(is_kept_to(part, countries) for part in audience["any"])
    asked = audience.get("value")
    named = asked if audience.get("op") == "in" and isinstance(asked, list | tuple) else [asked]
    is_asked = audience.get("attribute") == COUNTRY and audience.get("op") in ("eq", "in")
    return is_asked and bool(named) and all(country in countries for country in named)


def is_payable(design: PayableDesign) -> bool:
    """Return whether the experiment changes what a person pays: it says so, is known to, or sounds like it."""
    return bool(design.declared or design.implied or _suspects(design))


def payable_faults(design: PayableDesign) -> Iterator[PayableFault]:
    """Yield why the experiment may not start; nothing where it changes nothing that anybody pays."""
    if not is_payable(design):
        return
    if not design.declared and not design.implied:
        yield _undeclared(_suspects(design))
    if design.unit_kind in PERSONAL_UNITS and not design.allowed_in:
        yield _by_person(design.unit_kind)
    elif design.unit_kind in PERSONAL_UNITS and not is_kept_to(design.audience, design.allowed_in):
        yield _elsewhere(design.allowed_in)
    personal = personal_attributes(design.audience)
    if personal:
        yield _profile(personal)
    if design.personalised:
        yield _personalised()
    if design.named and design.unit_kind in PERSONAL_UNITS:
        yield _by_name()


def _suspects(design: PayableDesign) -> tuple[str, ...]:
    """Return the parameters that sound as if they changed what a person pays, each once."""
    return tuple(name for name in dict.fromkeys(design.names) if recognised(name))


def _undeclared(suspects: tuple[str, ...]) -> PayableFault:
    return PayableFault(
        "PAYABLE_UNDECLARED",
        f"By their names, {_listed(suspects)} may change what a person pays, and the experiment says that it changes "
        "nothing of it.",
        "Say what it changes under Traffic, or rename what only looks like it.",
    )


def _by_person(kind: UnitKind) -> PayableFault:
    return PayableFault(
        "PAYABLE_BY_PERSON",
        f"It changes what a person pays and randomises {kind} units: two persons who want the same thing at the same "
        "time would pay differently.",
        "Randomise items, clusters or stores by period: then everybody pays the same at one moment. Where the law of "
        "a country other than China lets prices depend on the person, somebody can answer for it by name.",
    )


def _elsewhere(countries: tuple[str, ...]) -> PayableFault:
    return PayableFault(
        "PAYABLE_ELSEWHERE",
        f"Somebody answers for {_listed(countries)}, and the audience does not keep shoppers of other countries out.",
        f'Let the audience ask for the attribute "{COUNTRY}" to be one of these countries.',
    )


def _profile(personal: Iterable[str]) -> PayableFault:
    return PayableFault(
        "PAYABLE_PROFILE",
        f"It changes what a person pays, and its audience asks for {_listed(personal)}: who somebody is must not "
        "decide what they pay.",
        "Ask for places, wares and times alone, such as country, store, category or weekday. Nobody can lift this.",
    )


def _personalised() -> PayableFault:
    return PayableFault(
        "PAYABLE_PERSONALISED",
        "It changes what a person pays, and it uses personal data: who somebody is must not decide what they pay.",
        "Take away “uses personal data”, and whatever needs it. Nobody can lift this.",
    )


def _by_name() -> PayableFault:
    return PayableFault(
        "PAYABLE_BY_NAME",
        "It changes what a person pays, and test units are named, who would pay by their variant wherever they are.",
        "Remove the test units; try it in a project of its own. Nobody can lift this.",
    )


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names)


def _attributes(audience: object) -> Iterator[str]:
    """Yield the attributes that an audience names, as far as it can be read; its faults are told elsewhere."""
    if isinstance(audience, Mapping):
        if isinstance(audience.get("attribute"), str):
            yield audience["attribute"]
        for value in audience.values():
            yield from _attributes(value)
    elif isinstance(audience, list | tuple):
        for part in audience:
            yield from _attributes(part)


def _plain(name: str) -> str:
    """Return a name in snake_case."""
    return "_".join(word.lower() for word in _WORD.findall(name))
