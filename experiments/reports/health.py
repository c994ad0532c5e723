"""The health card: each validity check with its figures and what to do, those that want attention first."""

from collections.abc import Iterable, Mapping

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from experiments.analysis.scorecard import CheckResult, Outcome, Scorecard
from experiments.reports import figures
from experiments.reports.checkwords import CHECKS, FIGURES, CheckWords
from experiments.reports.page import CheckLine, Fact, Health
from experiments.reports.wording import Text, Tone, Words
from experiments.vocabulary import CheckLevel

PASS = Words(gettext_lazy("passed"), Tone.GOOD, "✔")
FAIL = Words(gettext_lazy("failed: it blocks a decision"), Tone.BAD, "✖")
WARN = Words(gettext_lazy("warning"), Tone.WARN, "▲")
INTERPRET = Words(gettext_lazy("read with care"), Tone.WARN, "◆")
ERROR = Words(gettext_lazy("could not be computed"), Tone.WARN, "?")
_FAILED = {CheckLevel.BLOCK: FAIL, CheckLevel.WARN: WARN, CheckLevel.INTERPRET: INTERPRET}


def health_of(card: Scorecard, variants: Mapping[str, str]) -> Health:
    """Return the card of a scorecard's checks; those that do not apply to the experiment are left out."""
    applicable = [check for check in card.checks if check.outcome is not Outcome.NOT_APPLICABLE]
    lines = [(check, _line(check, variants)) for check in applicable]
    attention = [(check, line) for check, line in lines if check.outcome is not Outcome.PASSED]
    attention.sort(key=lambda pair: (_severity(pair[0]), str(pair[1].title)))
    passed = tuple(line for check, line in lines if check.outcome is Outcome.PASSED)
    summary, tone = _summary([check for check, _line in attention], len(applicable))
    return Health(summary=summary, tone=tone, attention=tuple(line for _check, line in attention), passed=passed)


def words_of(code: str) -> CheckWords:
    """Return a check's title and advice; a check that this version does not know is shown by its code."""
    return CHECKS.get(code, CheckWords(code, _("See the figures of the check in the scorecard's JSON.")))


def _summary(attention: Iterable[CheckResult], total: int) -> tuple[Text, Tone]:
    outcomes = [(check.level, check.outcome) for check in attention]
    blocking = sum(level is CheckLevel.BLOCK for level, _outcome in outcomes)
    if blocking:
        text = ngettext("%(n)s check blocks a decision", "%(n)s checks block a decision", blocking) % {"n": blocking}
        return text, Tone.BAD
    if outcomes:
        n = len(outcomes)
        return ngettext("%(n)s check wants attention", "%(n)s checks want attention", n) % {"n": n}, Tone.WARN
    return ngettext("%(n)s check passed", "All %(n)s checks passed", total) % {"n": total}, Tone.GOOD


def _severity(check: CheckResult) -> int:
    return list(CheckLevel).index(check.level)


def _line(check: CheckResult, variants: Mapping[str, str]) -> CheckLine:
    words = words_of(check.code)
    outcome = _words(check)
    return CheckLine(
        title=words.title,
        outcome=outcome.label,
        tone=outcome.tone,
        glyph=outcome.glyph,
        figures=tuple(_facts(check, variants)),
        advice=words.advice if check.outcome is not Outcome.PASSED else "",
    )


def _words(check: CheckResult) -> Words:
    if check.outcome is Outcome.PASSED:
        return PASS
    if check.outcome is Outcome.ERROR:
        return ERROR
    return _FAILED[check.level]


def _facts(check: CheckResult, variants: Mapping[str, str]) -> Iterable[Fact]:
    for name, value in check.figures.items():
        stem, _colon, subject = name.partition(":")
        label = FIGURES.get(stem, stem.replace("_", " "))
        if subject:
            label = f"{label} · {variants.get(subject, subject)}"
        yield Fact(label, _figure(stem, value))


def _figure(name: str, value: float | int | str | None) -> Text:
    if value is None:
        return _("not defined")
    if isinstance(value, str):
        return value
    if name == "p" or name.startswith("p_"):
        return figures.probability(float(value))
    if "share" in name:
        return figures.share(float(value))
    if float(value).is_integer():
        return figures.count(int(value))
    return f"{value:.4g}"
