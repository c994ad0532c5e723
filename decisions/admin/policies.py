"""What the variants of an experiment do, as a form: one choice for each variant, read from and written to drafts."""

from collections.abc import Callable, Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from decisions.actions.points import PolicyDraft
from decisions.admin.policy_choices import BASELINE, FIXED, chosen_value, draft_of, pinned, policy_choices
from decisions.models import PointExperiment
from decisions.queries.points import PointFacts, policies_of
from decisions.registry import domain_of
from decisions.reports.deeds import deed_words
from decisions.reports.setting_wording import fixed_words
from experiments.lifecycle import EDITABLE
from experiments.queries.designs import variants_of
from foundation.admin_base import choice_field
from foundation.admin_fields import LinesField
from models_registry.queries.aliases import holder_of
from models_registry.queries.versions import versions_of
from models_registry.vocabulary import AliasName


class NewBindingForm(forms.ModelForm):  # type: ignore[type-arg]
    """An experiment and the decision point at which its variants shall decide."""

    class Meta:
        model = PointExperiment
        fields = ["experiment", "point"]
        help_texts = {
            "experiment": gettext_lazy("A draft. Once it is launched, what its variants do is frozen with the design."),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields.get("experiment")
        if isinstance(field, forms.ModelChoiceField) and field.queryset is not None:
            bound = PointExperiment.objects.values("experiment_id")
            field.queryset = field.queryset.filter(status__in=EDITABLE).exclude(pk__in=bound)


class BindingForm(forms.ModelForm):  # type: ignore[type-arg]
    """The decision point, and for each variant a policy; `policy_form` adds the variants' fields.

    fault_of: why a text is nothing that the domain can do, "" where it is something.
    """

    variants: Mapping[str, str] = {}
    fault_of: Callable[[str], str] | None = None

    class Meta:
        model = PointExperiment
        fields = ["point"]

    def clean(self) -> dict[str, Any]:
        """Return the values if fixed actions are named exactly where they are chosen."""
        values = super().clean() or {}
        for key in self.variants:
            chosen, items = values.get(f"policy_{key}"), values.get(f"items_{key}")
            if chosen == FIXED and not items:
                self.add_error(f"items_{key}", self._nothing_written())
            elif chosen is not None and chosen != FIXED and items:
                self.add_error(f"items_{key}", _("Only fixed actions have items; empty this."))
            for fault in filter(None, map(self.fault_of, items or ()) if self.fault_of else ()):
                self.add_error(f"items_{key}", fault)
        return values

    def _nothing_written(self) -> str:
        if self.fault_of is None:
            return _("Write the items that everybody shall see, one a line.")
        return _("Write what shall be decided, one a line.")

    @property
    def drafts(self) -> dict[str, PolicyDraft]:
        """What each variant is to do, by its key."""
        return {
            key: draft_of(self.cleaned_data[f"policy_{key}"], self.cleaned_data[f"items_{key}"])
            for key in self.variants
        }


def policy_form(experiment_id: int, point: PointFacts) -> type[BindingForm]:
    """Return the form of an experiment at a decision point, with the fields of its variants."""
    variants = {variant.key: variant.name for variant in variants_of(experiment_id)}
    said = policies_of(experiment_id)
    choices = policy_choices(point, said)
    domain = domain_of(point.domain)
    called, help_text = fixed_words(domain.key)
    fault_of = domain.hooks.fixed_fault
    fields: dict[str, Any] = {"variants": variants, "fault_of": staticmethod(fault_of) if fault_of else None}
    for key, name in variants.items():
        fact = said.get(key)
        fields[f"policy_{key}"] = choice_field(
            label=_("%(name)s: policy") % {"name": name},
            choices=choices,
            initial=chosen_value(fact) if fact else BASELINE,
        )
        fields[f"items_{key}"] = LinesField(
            label=str(called) % {"name": name},
            required=False,
            initial=list(fact.actions) if fact else [],
            help_text=help_text,
        )
    return type("PoliciesForm", (BindingForm,), fields)


def fields_of(experiment_id: int) -> list[tuple[str, tuple[str, str]]]:
    """Return for each variant its name and the names of its fields."""
    return [(variant.name, (f"policy_{variant.key}", f"items_{variant.key}")) for variant in variants_of(experiment_id)]


def first_policies(experiment_id: int, point: PointFacts) -> dict[str, PolicyDraft]:
    """Return what a person most likely wants: the control does what serves now, the others the newest version."""
    champion = None if point.model_id is None else holder_of(point.model_id, AliasName.CHAMPION)
    served = pinned(champion)
    versions = [] if point.model_id is None else [v for v in versions_of(point.model_id) if v.gate_passed]
    newest = next((version.id for version in versions if version.id != champion), None)
    return {variant.key: served if variant.control else pinned(newest) for variant in variants_of(experiment_id)}


def policies_in_words(experiment_id: int) -> list[str]:
    """Return what each variant does, in a line each."""
    names = {variant.key: variant.name for variant in variants_of(experiment_id)}
    return [
        _("%(name)s: %(policy)s") % {"name": names[key], "policy": deed_words(fact)}
        for key, fact in policies_of(experiment_id).items()
    ]
