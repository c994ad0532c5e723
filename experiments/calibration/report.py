"""The calibration document: what was simulated, what came out, and how it stands to the targets."""

from collections.abc import Iterator, Sequence

from experiments.calibration.pages import CALIBRATION, Page
from experiments.calibration.records import (
    Effort,
    Result,
    Scale,
    SettingOutcome,
    State,
    StudyOutcome,
    Target,
)
from experiments.calibration.running import Order

_WORDS = {
    State.MET: "met",
    State.WITHIN_NOISE: "met within noise",
    State.MISSED: "**missed**",
    State.SHOWN: "",
}


_AGAIN = (
    "writes it again, digit by digit, on any number of processes: each block of replicates has a random generator of "
    "its own, seeded by the seed, the study, the setting and the number of the block."
)
_READING = (
    "**Reading the tables.** A share stands with its exact 99% interval (Clopper & Pearson 1934), a mean with its "
    "normal one, a median with the one of its order statistics. A result is *met* when the figure itself satisfies "
    "its target, *met within noise* when it does not but a value inside its interval would, and *missed* when none "
    "would. The interval is wider than the usual 95% because the page holds hundreds of them, of which some would "
    "otherwise miss by chance alone. A row without a target is shown for comparison."
)


def document(
    outcomes: Sequence[StudyOutcome], order: Order, page: Page = CALIBRATION, *, seconds: float | None = None
) -> str:
    """Return the Markdown page of a run; equal outcomes and orders give equal pages.

    seconds: how long the run took, where the page says so.
    """
    lines = [*_introduction(order, page, seconds), *_summary(outcomes)]
    for outcome in outcomes:
        lines += _study(outcome)
    return "\n".join(lines) + "\n"


def counts(outcomes: Sequence[StudyOutcome]) -> dict[State, int]:
    """Return how many results are in each state."""
    states = [result.state for outcome in outcomes for setting in outcome.settings for result in setting.results]
    return {state: states.count(state) for state in State}


def _introduction(order: Order, page: Page, seconds: float | None) -> list[str]:
    flags = "" if order.effort is Effort.REDUCED else " --full"
    again = "" if order.replicates is None else f" --replicates {order.replicates}"
    lines = [
        f"# {page.title}",
        "",
        page.about,
        "",
        "```bash",
        f"bin/manage calibrate{page.option}{flags}{again} --seed {order.seed}",
        "```",
        "",
        _AGAIN,
        "",
    ]
    if page.is_timed and seconds is not None:
        processes = "1 process" if order.processes == 1 else f"{order.processes} processes"
        lines += [f"It took {seconds:.0f} seconds on {processes}; of all figures only these may change.", ""]
    lines += [_READING, ""]
    for finding in page.findings:
        lines += [finding, ""]
    return lines


def _summary(outcomes: Sequence[StudyOutcome]) -> Iterator[str]:
    found = counts(outcomes)
    targets = found[State.MET] + found[State.WITHIN_NOISE] + found[State.MISSED]
    yield (
        f"**{targets} results have a target: {found[State.MET]} meet it, {found[State.WITHIN_NOISE]} meet it within "
        f"noise, {found[State.MISSED]} miss it.** {found[State.SHOWN]} more are shown for comparison."
    )
    yield ""
    yield "| study | met | within noise | missed |"
    yield "| --- | --- | --- | --- |"
    for outcome in outcomes:
        mine = counts([outcome])
        if outcome.skipped:
            yield f"| {outcome.title} | skipped | | |"
        else:
            yield f"| {outcome.title} | {mine[State.MET]} | {mine[State.WITHIN_NOISE]} | {mine[State.MISSED]} |"
    yield ""
    if found[State.MISSED]:
        yield "Missed, and why:"
        yield ""
        for outcome in outcomes:
            for why, settings in _by_explanation(outcome).items():
                named = "; ".join(f"{setting.setting}: {_misses(setting)}" for setting in settings)
                yield f"- *{outcome.title}.* {named}. {why}".rstrip()
        yield ""


def _by_explanation(outcome: StudyOutcome) -> dict[str, list[SettingOutcome]]:
    """Return the settings that miss a target, together where one sentence explains several."""
    found: dict[str, list[SettingOutcome]] = {}
    for setting in outcome.settings:
        if any(result.state is State.MISSED for result in setting.results):
            found.setdefault(setting.explained, []).append(setting)
    return found


def _misses(setting: SettingOutcome) -> str:
    return ", ".join(
        f"{result.figure} {_value(result)} (target {_target(result)})"
        for result in setting.results
        if result.state is State.MISSED
    )


def _study(outcome: StudyOutcome) -> Iterator[str]:
    yield f"## {outcome.title}"
    yield ""
    yield f"`--study {outcome.name}`. {outcome.method}"
    yield ""
    if outcome.skipped:
        yield f"Skipped: {outcome.skipped}"
        yield ""
        return
    yield "| setting | replicates | figure | result | 99% interval | target | |"
    yield "| --- | --- | --- | --- | --- | --- | --- |"
    for setting in outcome.settings:
        for number, result in enumerate(setting.results):
            yield _row(setting, result, first=number == 0)
    yield ""
    for why, settings in _by_explanation(outcome).items():
        if why:
            yield f"Missed ({'; '.join(setting.setting for setting in settings)}): {why}"
            yield ""
    for setting in outcome.settings:
        if setting.explained and all(result.target is None for result in setting.results):
            yield f"{setting.setting}: {setting.explained}"
            yield ""


def _row(setting: SettingOutcome, result: Result, *, first: bool) -> str:
    head = f"{setting.setting} | {setting.replicates:,}" if first else "|"
    interval = f"{_number(result.lower, result.scale)} to {_number(result.upper, result.scale)}"
    return f"| {head} | {result.figure} | {_value(result)} | {interval} | {_target(result)} | {_WORDS[result.state]} |"


def _value(result: Result) -> str:
    return _number(result.value, result.scale)


def _target(result: Result) -> str:
    target = result.target
    if target is None:
        return ""
    return range_text(target, result.scale)


def range_text(target: Target, scale: Scale) -> str:
    """Return a target in words: `at most 5.3%`, `94.5% to 95.5%`."""
    if target.low is not None and target.high is not None:
        return f"{_number(target.low, scale)} to {_number(target.high, scale)}"
    if target.high is not None:
        return f"at most {_number(target.high, scale)}"
    return f"at least {_number(target.low or 0.0, scale)}"


def _number(value: float, scale: Scale) -> str:
    if scale is Scale.SHARE:
        return f"{100.0 * value:.2f}%"
    return f"{value:,.0f}" if abs(value) >= 1_000.0 else f"{value:.3f}"
