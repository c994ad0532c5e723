"""The fixed words of batches, in the language of the page."""

from typing import Final

from django.utils.translation import gettext_lazy as _

from decisions.vocabulary import AppliedState, BatchState
from experiments.reports.wording import Tone, Words

BATCHES: Final[dict[BatchState, Words]] = {
    BatchState.MADE: Words(_("Ready to be fetched"), Tone.OPEN, "○"),
    BatchState.DELIVERED: Words(_("Delivered"), Tone.GOOD, "✔"),
    BatchState.UNDELIVERABLE: Words(_("Could not be delivered"), Tone.BAD, "✖"),
}
APPLIED: Final[dict[AppliedState, Words]] = {
    AppliedState.PENDING: Words(_("Not acknowledged"), Tone.MUTED, "○"),
    AppliedState.APPLIED: Words(_("Applied"), Tone.GOOD, "✔"),
    AppliedState.OVERRIDDEN: Words(_("Overridden"), Tone.WARN, "↷"),
    AppliedState.FAILED: Words(_("Failed"), Tone.BAD, "✖"),
}
"""What the shop says has become of a decision."""
NO_CHANGE: Final = Words(_("Nothing to do"), Tone.MUTED, "·")
