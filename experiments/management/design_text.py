"""What `bin/manage power` prints: a design, or a comparison, in lines."""

from collections.abc import Iterator

from experiments.analysis.calculator.comparison import Compared
from experiments.analysis.scorecard import Estimator
from experiments.analysis.summaries import SampleRatio, SummaryComparison
from experiments.statistics.calculator import Answer, Missing
from experiments.statistics.designs import Baseline, Design, Watching
from experiments.statistics.results import Interval, UndefinedReason
from experiments.statistics.spending import Spending

_ESTIMATORS = {
    Estimator.SCORE: "score test, score intervals",
    Estimator.BOSCHLOO: "Boschloo's exact test, score intervals",
    Estimator.FISHER: "Fisher's exact test, score intervals",
    Estimator.WELCH: "Welch's t, Fieller's lift",
    Estimator.LINEARISED_RATIO: "ratio linearised, Welch's t, Fieller's lift",
    Estimator.CLUSTERED: "difference over cells, errors over clusters (CR2)",
    Estimator.CLUSTERED_RATIO: "ratio linearised over cells, errors over clusters (CR2)",
    Estimator.WELCH_NULL_RESTRICTED: "Welch's t, the larger of plug-in and null-restricted error, Fieller's lift",
}
_WHY = {
    UndefinedReason.NO_DATA: "an arm has no units",
    UndefinedReason.TOO_FEW_UNITS: "an arm has fewer than 2 units",
    UndefinedReason.NO_VARIANCE: "the values do not vary",
    UndefinedReason.ZERO_CONTROL: "control is 0",
    UndefinedReason.ZERO_DENOMINATOR: "the denominator is 0",
    UndefinedReason.DENOMINATOR_TOO_NOISY: "the denominator is too noisy",
    UndefinedReason.NEGATIVE_CONTROL: "control is below 0",
    UndefinedReason.CONTROL_TOO_NOISY: "control is too noisy",
    UndefinedReason.OVERFLOW: "the figures leave the range of the computer",
}

_MISSING = {
    Missing.WINDOW_OPEN: "no window has closed",
    Missing.TOO_FEW_UNITS: "an arm has fewer than 2 units",
    Missing.NO_POSSIBLE_LIFT: "too few units for any possible lift",
}


def design_text(design: Design, answer: Answer) -> str:
    """Return the design in lines."""
    return "\n".join(_design_lines(design, answer))


def comparison_text(found: Compared) -> str:
    """Return the comparisons and whether the split holds, in lines."""
    lines: list[str] = []
    several = len(found.comparisons) > 1
    for number, each in enumerate(found.comparisons, start=1):
        title = f"Treatment {number} against control" if several else "Treatment against control"
        lines.extend(_comparison_lines(title, each, found.alpha, several=several))
    return "\n".join([*lines, _split_line(found.sample_ratio)])


def _design_lines(design: Design, answer: Answer) -> Iterator[str]:
    base = design.baseline
    after = base.mean * (1.0 + answer.lift)
    yield f"Effect:      {_signed(answer.lift)} ({_value(base, base.mean)} to {_value(base, after)})"
    yield f"Power:       {_percent(answer.power)} at two-sided alpha {_percent(answer.alpha_each)} per comparison"
    for each in answer.guardrails:
        yield f"  guardrail {each.name}: {_percent(each.power)} to be shown unharmed"
    if answer.guardrails:
        yield f"  all together: {_percent(answer.ship_power)}"
    yield f"Units:       {answer.units:,} enter"
    if design.triggered < 1.0:
        yield f"  {answer.analysed:,} of them are reached by the change ({_percent(design.triggered)})"
    arms = "in the treatment" if design.treatments == 1 else f"in each of {design.treatments} treatments"
    yield f"  {answer.control:,} in control, {answer.each_treatment:,} {arms}"
    if answer.clusters is not None:
        yield f"  {answer.clusters:,} clusters; they multiply the units by {answer.design_effect:.2f}"
    if answer.days is not None and design.traffic is not None:
        weeks, window = answer.days // 7, design.traffic.window_days
        yield f"Duration:    {answer.days} days ({weeks} whole weeks, until windows of {window} days have closed)"
    yield f"Looks:       {_looks(design)}"
    yield f"  {answer.inflation:.2f} times the units of one look; {_percent(answer.mean_share)} of them used on average"
    if design.treatments > 1:
        yield f"  tightest with {_percent(answer.optimal_control_share)} of the units in control"
    if answer.by_week:
        yield "Smallest lift found, by length:"
        for week in answer.by_week:
            found = f"none: {_MISSING[week.reason]}" if week.reason else _signed(week.lift or 0.0)
            yield f"  {week.week:2d} weeks  {week.units:>13,} units  {found}"


def _split_line(ratio: SampleRatio) -> str:
    if ratio.p_value is None:
        return f"Split: cannot be judged: {_why(ratio.reason)}"
    p = _figure(ratio.p_value)
    if not ratio.mismatch:
        return f"Split: as planned (p {p})"
    return f"Split: NOT as planned (p {p} below {ratio.alpha:g}): find out why before you believe the comparison"


def _looks(design: Design) -> str:
    looks = design.looks
    match looks.method:
        case Watching.FIXED_HORIZON:
            return "one, at the end"
        case Watching.CONFIDENCE_SEQUENCE:
            return f"{looks.count}, confidence sequence, tightest at the end"
        case Watching.GROUP_SEQUENTIAL:
            shape = "Pocock" if looks.spending is Spending.POCOCK else "O'Brien-Fleming"
            kept = f", {_percent(looks.reserved)} of alpha kept for later" if looks.reserved else ""
            return f"{looks.count}, group sequential, spending of {shape} type{kept}"


def _comparison_lines(title: str, found: SummaryComparison, alpha: float, *, several: bool) -> Iterator[str]:
    level = _percent(1.0 - alpha)
    yield title
    if found.reason is not None or found.estimator is None:
        yield f"  cannot be compared: {_why(found.reason)}"
        return
    yield f"  control {_figure(found.control)}, treatment {_figure(found.treatment)}"
    yield f"  difference  {_figure(found.difference)}  {level} interval {_interval(found.interval)}"
    lift = "does not exist" if found.lift is None else _signed(found.lift)
    yield f"  lift        {lift}  {level} interval {_interval(found.lift_interval, percent=True)}"
    yield f"  p           {_figure(found.p_value)}"
    if several:
        yield f"  p adjusted  {_figure(found.p_adjusted)} (Holm, over the treatments)"
    yield f"  method      {_ESTIMATORS.get(found.estimator, str(found.estimator))}"


def _interval(interval: Interval, *, percent: bool = False) -> str:
    if interval.lower is None and interval.upper is None:
        return f"does not exist: {_why(interval.reason)}"
    write = _signed if percent else _figure
    lower = "no lower end" if interval.lower is None else write(interval.lower)
    upper = "no upper end" if interval.upper is None else write(interval.upper)
    return f"{lower} to {upper}"


def _why(reason: UndefinedReason | None) -> str:
    return "unknown" if reason is None else _WHY.get(reason, str(reason))


def _value(baseline: Baseline, value: float) -> str:
    return _percent(value) if baseline.is_rate else _figure(value)


def _percent(share: float) -> str:
    return f"{100.0 * share:.4g}%"


def _signed(share: float) -> str:
    return f"{100.0 * share:+.3g}%"


def _figure(value: float | None) -> str:
    return "-" if value is None else f"{value:.5g}"
