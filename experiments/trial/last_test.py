"""A finished test of somebody else's: its arms, read from rows per user or from totals."""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Final

from experiments.recorded.figures import FigureInvalid, sums_of
from experiments.recorded.manifest_parts import OutcomeKind
from experiments.recorded.workspace import Workspace
from experiments.statistics.moments import PowerSums
from experiments.trial.names import Meaning, column_for, needed_column, plain
from experiments.trial.orders import Floats
from experiments.trial.tables import Table, amount_sql, load_texts, opened_table
from foundation.errors import DomainError

MOST_ARMS: Final = 20
_CONTROLS: Final = "control controlgroup ctrl baseline original default old oldpage base a 0 psa off none holdout"
_CHINESE_CONTROLS: Final = "对照组 对照 原版 基线 旧版"
_YES: Final = "('1', '1.0', 'true', 't', 'yes', 'y', '是')"
_NO: Final = "('0', '0.0', 'false', 'f', 'no', 'n', '否')"


class TestUnclear(DomainError):
    """A finished test whose arms cannot be compared as they stand in the file."""

    __test__ = False
    code: ClassVar[str] = "TEST_UNCLEAR"
    hint = "One row per user (variant, user, converted, revenue), or one per variant (variant, users, conversions)."


@dataclass(frozen=True, slots=True)
class Arm:
    """One arm: units, those that converted, and the sums of their revenue; None where the file does not say."""

    name: str
    units: int
    converted: int | None
    revenue: PowerSums | None


@dataclass(frozen=True, slots=True)
class LastTest:
    """A finished test; the first arm is the control.

    rows: of the file. left_out: rows by reason. crossed: units in several variants, which are left out.
    """

    file: str
    arms: tuple[Arm, ...]
    rows: int
    left_out: dict[str, int]
    crossed: int
    by_unit: bool


def read_test(path: Path, workspace: Workspace) -> LastTest:
    """Return the test in a file. Raises ColumnsUnclear, DataInvalid or TestUnclear."""
    table = opened_table(path, workspace)
    variant = needed_column(Meaning.VARIANT, table.columns, file=table.name, told="the variant")
    others = [column for column in table.columns if column != variant]
    users = column_for(Meaning.USERS, others)
    found = (
        _of_totals(table, variant, users, others, workspace) if users else _of_rows(table, variant, others, workspace)
    )
    if len(found.arms) < 2:
        raise TestUnclear(f"{table.name}: there is one variant only.", hint="A test has a control and a treatment.")
    if len(found.arms) > MOST_ARMS:
        raise TestUnclear(
            f"{table.name}: column {variant!r} has {len(found.arms)} values, too many for variants.",
            hint="Rename the column that holds the variant to variant.",
        )
    return found


def _of_totals(table: Table, variant: str, users: str, others: list[str], workspace: Workspace) -> LastTest:
    converted, revenue, sd = (column_for(each, others) for each in (Meaning.CONVERTED, Meaning.REVENUE, Meaning.SD))
    if converted is None and (revenue is None or sd is None):
        raise TestUnclear(f"{table.name}: totals need conversions, or revenue with the standard deviation per user.")
    names = list(dict.fromkeys(name for name in (variant, users, converted, revenue, sd) if name is not None))
    malformed = load_texts(table, workspace, names, into="totals")
    texts = {name: f"n{names.index(name)}" for name in names}
    chosen = [texts[variant], *(_number_of(texts, name) for name in (users, converted, revenue, sd))]
    rows = workspace.database.execute(f"SELECT {', '.join(chosen)} FROM totals ORDER BY rowid").fetchall()
    arms = [
        _arm_of_totals(table.name, str(name), (n, buyers, total, spread))
        for name, n, buyers, total, spread in rows
        if name is not None
    ]
    if len({arm.name for arm in arms}) < len(arms):
        raise TestUnclear(f"{table.name}: a variant has several rows of totals.", hint="Add them up to one row each.")
    left = {"line cannot be split into columns": malformed} if malformed else {}
    return LastTest(table.name, _control_first(arms), len(rows), left, 0, by_unit=False)


def _number_of(texts: dict[str, str], name: str | None) -> str:
    return "CAST(NULL AS DOUBLE)" if name is None else amount_sql(texts[name])


def _arm_of_totals(file: str, name: str, figures: tuple[float | None, ...]) -> Arm:
    n, buyers, total, spread = figures
    if n is None or n < 1 or n != int(n):
        raise TestUnclear(f"{file}: the users of variant {name!r} are no whole number above 0.")
    if buyers is not None and not (0 <= buyers <= n and buyers == int(buyers)):
        raise TestUnclear(f"{file}: the conversions of variant {name!r} are no whole number between 0 and its users.")
    revenue = None
    if total is not None and spread is not None:
        told = {"units": str(int(n)), "mean": repr(total / n), "variance": repr(spread * spread)}
        try:
            revenue = sums_of(OutcomeKind.MONEY, told, money_unit=1.0)
        except FigureInvalid:
            raise TestUnclear(f"{file}: revenue and standard deviation of variant {name!r} cannot be.") from None
    return Arm(name, int(n), None if buyers is None else int(buyers), revenue)


def _of_rows(table: Table, variant: str, others: list[str], workspace: Workspace) -> LastTest:
    converted = column_for(Meaning.CONVERTED, others)
    revenue = column_for(Meaning.REVENUE, [name for name in others if name != converted])
    unit = column_for(Meaning.UNIT, [name for name in others if name not in (converted, revenue)])
    if converted is None and revenue is None:
        raise TestUnclear(f"{table.name}: no column says what came out; there are: {', '.join(table.columns)}.")
    names = list(dict.fromkeys(name for name in (variant, unit, converted, revenue) if name is not None))
    malformed = load_texts(table, workspace, names, into="rows")
    texts = {name: f"n{names.index(name)}" for name in names}
    database = workspace.database
    bought = "NULL" if converted is None else _yes(texts[converted])
    spent = "CAST(NULL AS DOUBLE)" if revenue is None else f"coalesce({amount_sql(texts[revenue])}, 0)"
    who = "CAST(rowid AS VARCHAR)" if unit is None else texts[unit]
    database.execute(
        f"CREATE TABLE seen AS SELECT {texts[variant]} AS variant, {who} AS unit, {bought} AS bought, {spent} AS spent,"
        f" CASE WHEN {texts[variant]} IS NULL THEN 'no variant' WHEN {who} IS NULL THEN 'no user'"
        f" {'' if converted is None else f'WHEN {bought} IS NULL THEN ' + repr('converted is neither yes nor no')} END"
        " AS fault FROM rows"
    )
    left = dict(database.execute("SELECT fault, count(*) FROM seen WHERE fault IS NOT NULL GROUP BY 1").fetchall())
    if malformed:
        left["line cannot be split into columns"] = malformed
    database.execute(
        "CREATE TABLE unit AS SELECT unit, min(variant) AS variant, min(variant) <> max(variant) AS crossed,"
        " max(bought) AS bought, sum(spent) AS spent FROM seen WHERE fault IS NULL GROUP BY unit"
    )
    rows = database.execute("SELECT count(*) FROM rows").fetchone()
    crossed = database.execute("SELECT count(*) FROM unit WHERE crossed").fetchone()
    arms = []
    for (name,) in database.execute("SELECT DISTINCT variant FROM unit WHERE NOT crossed ORDER BY 1").fetchall():
        found = database.execute(
            "SELECT coalesce(bought, 0) AS bought, coalesce(spent, 0) AS spent FROM unit"
            " WHERE NOT crossed AND variant = ?",
            [name],
        ).fetchnumpy()
        total = None if converted is None else int(found["bought"].sum())
        arms.append(Arm(name, len(found["spent"]), total, None if revenue is None else _revenue(found["spent"])))
    return LastTest(
        table.name,
        _control_first(arms),
        (int(rows[0]) if rows else 0) + malformed,
        {str(reason): int(number) for reason, number in left.items()},
        int(crossed[0]) if crossed else 0,
        by_unit=True,
    )


def _yes(text: str) -> str:
    """Return the SQL of 1 for yes or a number of orders, 0 for no or nothing, NULL for anything else."""
    several = f"TRY_CAST({text} AS DOUBLE) BETWEEN 1 AND 1e9"
    no = f"lower({text}) IN {_NO} OR {text} IS NULL"
    return f"CASE WHEN lower({text}) IN {_YES} OR {several} THEN 1 WHEN {no} THEN 0 END"


def _revenue(spent: Floats) -> PowerSums:
    """Return the exact sums of revenue in millionths."""
    micros = [round(float(value) * 1e6) for value in spent]
    total, squares = sum(micros), sum(value * value for value in micros)
    return PowerSums(len(micros), ("y",), (total,), (squares,), (sum(value != 0 for value in micros),))


def _control_first(arms: list[Arm]) -> tuple[Arm, ...]:
    """Return the arms with the control first: the one that is called so, or else the first."""
    named = [arm for name in f"{_CONTROLS} {_CHINESE_CONTROLS}".split() for arm in arms if plain(arm.name) == name]
    control = named[0] if named else arms[0] if arms else None
    return tuple(sorted(arms, key=lambda arm: arm is not control))
