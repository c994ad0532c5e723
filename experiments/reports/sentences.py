"""The verdict's grammar in words: sentences for every reason code, filled from the reason's values."""

from string import Formatter
from typing import Final

from django.utils.translation import gettext_lazy as _

from experiments.analysis.verdict import Parameter, ReasonCode, ReasonItem
from experiments.reports import figures
from experiments.reports.health import words_of
from experiments.reports.scoreboard import Names
from experiments.reports.wording import UNDEFINED, Text

SENTENCES: Final[dict[ReasonCode, tuple[Text, ...]]] = {
    ReasonCode.CHECK_BLOCKS: (_("The check “%(check)s” failed, so the figures cannot be trusted."),),
    ReasonCode.CHECK_WARNS: (_("Warning: %(check)s."),),
    ReasonCode.CHECK_INTERPRET: (_("Read with care: %(check)s."),),
}


def sentence_of(reason: ReasonItem, names: Names) -> Text:
    """Return the sentence of a reason: the first of its code whose values are all there."""
    values = {name: _value(name, value, names) for name, value in reason.params.items() if value is not None}
    for template in SENTENCES.get(reason.code, ()):
        try:
            return template % values
        except KeyError:
            continue
    return reason.code.value
