"""Columns of other people's files, found by the names that shops give them, in English and Chinese."""

import re
from collections.abc import Sequence
from enum import StrEnum
from typing import ClassVar, Final

from foundation.errors import DomainError


class Meaning(StrEnum):
    """What a column may hold."""

    ORDER = "order"
    CUSTOMER = "customer"
    TIME = "time"
    AMOUNT = "amount"
    QUANTITY = "quantity"
    PRICE = "price"
    STATUS = "status"
    VARIANT = "variant"
    UNIT = "unit"
    USERS = "users"
    CONVERTED = "converted"
    REVENUE = "revenue"
    SD = "sd"


class ColumnsUnclear(DomainError):
    """A file in which a column that is needed cannot be told by its name."""

    code: ClassVar[str] = "COLUMNS_UNCLEAR"
    hint = "Rename the column in the file's first line."


_WORDS: Final[dict[Meaning, str]] = {
    Meaning.ORDER: (
        "orderid orderno ordernumber order invoiceno invoiceid invoicenumber invoice transactionid transaction basketid"
        " 订单号 订单编号 订单id 订单 单号 交易号 发票号"
    ),
    Meaning.CUSTOMER: (
        "customerid customerno customer visitorid visitor userid user buyerid buyer clientid client memberid member"
        " customeremail email anonymousid uid 客户id 客户编号 客户号 客户 用户id 用户编号 用户 买家id 买家昵称 买家"
        " 会员id 会员号 会员名 会员 顾客id 顾客 访客id"
    ),
    Meaning.TIME: (
        "orderdate ordertime orderedat orderdatetime invoicedate invoicetime purchasedate purchasedat createdat"
        " createdtime createtime createdate datetime timestamp paidat paytime date time day 下单时间 下单日期 订单时间"
        " 订单日期 订单创建时间 创建时间 付款时间 支付时间 成交时间 交易时间 日期 时间"
    ),
    Meaning.AMOUNT: (
        "amount orderamount orderamt ordertotal totalamount total totalprice ordervalue revenue sales netsales gmv"
        " dollarvalue value spend subtotal payment 订单金额 实付金额 实际支付金额 支付金额 付款金额 应付金额"
        " 成交金额 总金额 金额 销售额 收入 总价"
    ),
    Meaning.QUANTITY: "quantity qty units count items itemcount numberofitems 数量 件数 购买数量",
    Meaning.PRICE: "unitprice price itemprice priceeach 单价 价格 商品单价",
    Meaning.STATUS: "status orderstatus financialstatus state 订单状态 状态 交易状态",
    Meaning.VARIANT: (
        "variant variation variantid group testgroup experimentgroup abgroup arm treatment bucket segment version cell"
        " 组别 分组 实验组 实验分组 版本 方案 变体"
    ),
    Meaning.UNIT: (
        "unit unitid userid user visitorid visitor customerid customer uid clientid sessionid id 用户id 用户 访客id"
        " 客户id 客户 会员id"
    ),
    Meaning.USERS: (
        "users visitors units n samplesize sample size exposed exposures participants customers total"
        " 用户数 人数 访客数 样本量 曝光人数 样本数"
    ),
    Meaning.CONVERTED: (
        "converted conversion conversions purchased purchases buyers orders success successes clicks"
        " 转化 转化数 转化人数 购买人数 下单人数 是否转化 是否购买"
    ),
    Meaning.REVENUE: (
        "revenue totalrevenue amount sales spend gmv value income 收入 金额 销售额 总收入 总金额 成交金额"
    ),
    Meaning.SD: (
        "sd std stddev standarddeviation revenuesd revenuestd revenuestddev sdrevenue 标准差 收入标准差 金额标准差"
    ),
}
ALIASES: Final[dict[Meaning, tuple[str, ...]]] = {meaning: tuple(words.split()) for meaning, words in _WORDS.items()}
"""Names by meaning, the likeliest first, as `plain` writes them."""
_NO_NAME: Final = re.compile(r"[^0-9a-z\u4e00-\u9fff]+")


def plain(name: str) -> str:
    """Return a column's name in lower case, without spaces, signs and what stands in brackets."""
    return _NO_NAME.sub("", re.sub(r"[(（\[].*?[)）\]]", "", name).lower())


def column_for(meaning: Meaning, columns: Sequence[str]) -> str | None:
    """Return the column that has the meaning, by the first alias that any has; None without one."""
    by_name: dict[str, str] = {}
    for column in columns:
        by_name.setdefault(plain(column), column)
    return next((by_name[alias] for alias in ALIASES[meaning] if alias in by_name), None)


def needed_column(meaning: Meaning, columns: Sequence[str], *, file: str, told: str) -> str:
    """Return the column that has the meaning. Raises ColumnsUnclear, saying what it may be called."""
    found = column_for(meaning, columns)
    if found is None:
        names = ", ".join([*ALIASES[meaning][:4], *[alias for alias in ALIASES[meaning] if not alias.isascii()][:2]])
        raise ColumnsUnclear(
            f"{file}: no column holds {told}; there are: {', '.join(columns)}.",
            hint=f"Rename the column that does in the first line, for example to one of: {names}.",
        )
    return found
