"""What a try-out says to people: plain sentences and small tables, in lines that fit a terminal."""

import textwrap
from collections.abc import Iterator

from experiments.trial.detectable import Findable, WeekFindings
from experiments.trial.opinion_sentences import opinion_lines
from experiments.trial.orders import ReadCounts
from experiments.trial.run import Findings, Rehearsed
from experiments.trial.usual import FalsePositives, Method

_METHODS = {
    Method.LINES: "Average order line, every line taken for independent",
    Method.ORDERS: "Average order value, every order taken for independent",
    Method.DELTA_LIFT: "Lift of revenue per customer, delta method",
    Method.PEEK_CONVERSION: "Conversion, a look every evening at 1.96",
    Method.PEEK_REVENUE: "Revenue per customer, a look every evening at 1.96",
    Method.OURS_ORDER_VALUE: "Average order value, by customer; one look",
    Method.OURS_REVENUE: "Revenue per customer, Welch and Fieller; one look",
    Method.OURS_CONVERSION: "Conversion, with history; one look",
    Method.OURS_LOOKS_CONVERSION: "Conversion, every evening to a planned end",
    Method.OURS_LOOKS_REVENUE: "Revenue per customer, every evening to a planned end",
    Method.OURS_ENDLESS_CONVERSION: "Conversion, every evening without a planned end",
    Method.OURS_ENDLESS_REVENUE: "Revenue per customer, every evening without a planned end",
}
_WIDTH = 60
_LONGEST = 114


def findings_text(found: Findings) -> str:
    """Return the findings in lines."""
    parts = [list(_read(found.read)), list(_rehearsals(found)), list(_weeks(found.by_week))]
    if found.opinion is not None:
        peeked = next((each for each in found.usual if each.method is Method.PEEK_CONVERSION), None)
        parts.append(list(opinion_lines(found.opinion, None if peeked is None else peeked.share)))
    parts.append([f"Seed {found.seed}. Nothing was sent anywhere, and no database was used."])
    return "\n\n".join("\n".join(_wrapped(line) for line in part) for part in parts if part)


def _wrapped(line: str) -> str:
    """Return a line, broken where it is too long."""
    if len(line) <= _LONGEST:
        return line.rstrip()
    indent = " " * (len(line) - len(line.lstrip()))
    return textwrap.fill(line.strip(), _LONGEST, initial_indent=indent, subsequent_indent=indent + "  ")


def _read(read: ReadCounts) -> Iterator[str]:
    yield f"WHAT WAS READ: {read.file}"
    named = ", ".join(f"{meaning} from {column!r}" for meaning, column in read.columns.items())
    yield f"  Columns: {named}."
    yield (
        f"  {read.lines:,} lines; {_number(read.orders, 'order')} of {_number(read.customers, 'customer')},"
        f" {read.first} to {read.last}; revenue {read.revenue:,.2f}."
    )
    if read.note:
        yield f"  {read.note}"
    if read.undone_orders:
        yield f"  {_number(read.undone_orders, 'order')} taken back in full by a later refund: both are left out."
    if read.refund_orders:
        yield f"  {_number(read.refund_orders, 'other refund')} or cancellations: they reduce revenue."
    if read.zero_orders:
        yield f"  {_number(read.zero_orders, 'order')} of amount 0: they count as orders."
    if read.repeated:
        what = "left out" if read.repeated_dropped else "kept, since orders have several lines"
        yield f"  {read.repeated:,} lines repeat another: {what}."
    for reason, number in read.left_out.items():
        yield f"  Left out: {number:,} lines, {reason}."


def _rehearsals(found: Findings) -> Iterator[str]:
    yield "FALSE ALARMS ON YOUR OWN DATA"
    if found.rehearsed is None:
        yield f"  Not computed: {found.too_small}"
        return
    yield from _setting(found.rehearsed)
    yield ""
    yield f"  {'The usual ways':<{_WIDTH}} {'false alarms':>12}   between"
    yield from map(_row, found.usual)
    yield f"  {'This engine':<{_WIDTH}}"
    yield from map(_row, found.ours)
    yield ""
    yield from _lesson(found)


def _setting(facts: Rehearsed) -> Iterator[str]:
    yield (
        f"  {facts.customers:,} known customers enter on random days of the log's last {facts.entry_days}"
        f" + {facts.window_days} days; each is watched"
    )
    seen = f"{facts.bought_share:.1%} order, {facts.revenue_per_customer:,.2f} revenue each"
    yield f"  for {facts.window_days} days ({seen}). They are split in halves at random, and"
    yield "  nothing is changed. So every difference that is called is a false alarm; 5% are meant to be."


def _row(each: FalsePositives) -> str:
    return (
        f"    {_METHODS[each.method]:<{_WIDTH - 2}} {each.share:>12.1%}   {each.lower:.1%} and {each.upper:.1%}"
        f"  ({each.found:,} of {each.tests:,})"
    )


def _lesson(found: Findings) -> Iterator[str]:
    high = [each for each in found.usual if each.lower > 0.05]
    if high:
        worst = max(high, key=lambda each: each.share)
        yield (
            f"  In short: {_METHODS[worst.method][0].lower()}{_METHODS[worst.method][1:]} finds a “winner” or “loser”"
            f" in {worst.share:.0%} of tests"
        )
        yield "  in which nothing was changed."
    ours = [each for each in found.ours if each.lower > 0.05]
    for each in ours:
        yield f"  Mind: {_METHODS[each.method]} is above 5% on these data."
    low = [each for each in found.usual if each.upper < 0.02]
    if low:
        yield "  Far below 5% is no merit: a few huge orders then drown everything, and real effects too."


def _weeks(by_week: tuple[WeekFindings, ...]) -> Iterator[str]:
    yield "WHAT A TEST WOULD FIND"
    if not by_week:
        yield "  Not computed: it takes 100 customers who order again within the test, and two weeks of history."
        return
    yield "  Smallest lift found with 80% power, two halves, a look every evening; in brackets with the customers'"
    yield "  own history (CUPED). All customers known before take part."
    yield ""
    names = [each.metric for each in by_week[-1].metrics]
    yield f"  {'weeks':>5} {'customers':>10}   " + "".join(f"{name:<22}" for name in names)
    for week in by_week:
        cells = {each.metric: _cell(each) for each in week.metrics}
        yield f"  {week.weeks:>5} {week.customers:>10,}   " + "".join(f"{cells.get(name, '-'):<22}" for name in names)
    last = by_week[-1]
    helped = max(last.metrics, key=lambda each: each.explained)
    if helped.explained > 0.01:
        yield ""
        yield (
            f"  History explains {helped.explained:.0%} of the variance of {helped.metric} over {last.weeks} weeks:"
            f" as if the test had {1.0 / (1.0 - helped.explained) - 1.0:.0%} more customers."
        )


def _cell(each: Findable) -> str:
    return f"{_lift(each.plain)} ({_lift(each.adjusted)})"


def _lift(lift: float | None) -> str:
    return "none" if lift is None else f"+{lift:.1%}"


def _number(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"
