"""The dialog in which somebody answers for it that persons pay differently."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from experiments.queries.payable import override_of
from foundation.admin_base import DialogForm, row_id, text_area, text_input


class AllowPayableForm(DialogForm):
    """Why, for which countries, and what shoppers are told there; the person is who is signed in."""

    reason = forms.CharField(
        label=_("Reason"),
        max_length=2000,
        widget=text_area(),
        help_text=_("Why items, stores or clusters will not do. It stands in the journal and on the readout."),
    )
    jurisdictions = forms.CharField(
        label=_("Countries"),
        max_length=2000,
        widget=text_input(),
        help_text=_("Two letters each, such as US, CA. Never China."),
    )
    disclosure = forms.CharField(
        label=_("What shoppers are told"),
        required=False,
        max_length=4000,
        widget=text_area(rows=4),
        help_text=_("Empty: the usual text for these countries, where there is one."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        held = override_of(row_id(self.object_id))
        if held is not None:
            self.fields["reason"].initial = held.reason
            self.fields["jurisdictions"].initial = ", ".join(held.jurisdictions)
            self.fields["disclosure"].initial = held.disclosure

    @property
    def countries(self) -> list[str]:
        """The countries as they were written, separated by commas or blanks."""
        return str(self.cleaned_data["jurisdictions"]).replace(",", " ").split()
