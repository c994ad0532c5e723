"""Dialogs of the lifecycle buttons."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from experiments.models import AllocationEpoch, EpochAllocation, Experiment
from experiments.vocabulary import ArmState
from foundation.admin_base import DialogForm, RequiredReasonForm, choice_field, row_id, text_area
from foundation.admin_fields import SlotField


class ConcludeForm(DialogForm):
    """What came out, and what others should know about it."""

    conclusion = choice_field(label=_("Conclusion"), choices=Experiment.Conclusion.choices)
    note = forms.CharField(
        label=_("What was learnt"),
        max_length=4000,
        widget=text_area(rows=4),
        help_text=_("For people who plan the next test: what happened, and what you would do differently."),
    )
    reason = forms.CharField(
        label=_("Reason, where it differs from the recommendation"),
        required=False,
        max_length=2000,
        widget=text_area(rows=2),
    )


class AllocationForm(RequiredReasonForm):
    """The next epoch's weights, states and coverage, beginning with those of the current one."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._held = _current(self.object_id)
        epoch = self._held[0].epoch if self._held else None
        for held in self._held:
            key, name = held.variant.key, held.variant.name
            weight, state = _("%(name)s: weight (%%)") % {"name": name}, _("%(name)s: new units") % {"name": name}
            self.fields[f"weight:{key}"] = SlotField(label=weight, initial=held.weight)
            self.fields[f"state:{key}"] = choice_field(
                label=state, choices=EpochAllocation.State.choices, initial=held.state
            )
        self.fields["coverage"] = SlotField(
            label=_("Coverage (%)"),
            initial=epoch.coverage if epoch else None,
            help_text=_("Raising it only adds units; nobody changes variant."),
        )
        self.order_fields([*(name for name in self.fields if name != "reason"), "reason"])

    @property
    def weights(self) -> Mapping[str, int]:
        """The weights by variant key, in slots."""
        return {held.variant.key: self.cleaned_data[f"weight:{held.variant.key}"] for held in self._held}

    @property
    def states(self) -> Mapping[str, ArmState]:
        """The states by variant key."""
        return {held.variant.key: ArmState(self.cleaned_data[f"state:{held.variant.key}"]) for held in self._held}


def _current(experiment_id: str | None) -> list[EpochAllocation]:
    epoch = AllocationEpoch.objects.filter(experiment_id=row_id(experiment_id)).order_by("-number").first()
    if epoch is None:
        return []
    rows = EpochAllocation.objects.filter(epoch=epoch).select_related("variant", "epoch")
    return list(rows.order_by("variant__position", "variant_id"))
