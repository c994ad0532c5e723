"""The form of a decision point: what its domain lets be set is offered field by field, each with its bounds."""

from collections.abc import Mapping
from typing import Any, Final, cast

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from decisions.domain import Domain, Mode, PolicyKind, Setting
from decisions.models import DecisionPoint, Learner
from decisions.reports.setting_wording import setting_about, setting_name, setting_value
from foundation.admin_base import choice_field, decimal_input

NEW: Final = ("project", "key", "name", "domain", "model", "slate_size", "deadline_ms", "every_minutes")
_SAID: Final = ("project", "key", "name", "domain", "model", "learner", "slate_size", "deadline_ms", "most_age_minutes")
_BATCHES: Final = ("every_minutes", "webhook")
_PREFIX: Final = "setting_"


class PointForm(forms.ModelForm):  # type: ignore[type-arg]
    """A decision point; once it exists, models of its project and domain and its learning policies are offered.

    domain: whose settings the form has, None where it has none.
    """

    domain: Domain | None = None

    class Meta:
        model = DecisionPoint
        fields = [*_SAID, *_BATCHES]
        labels = {
            "learner": gettext_lazy("Learning policy for all traffic outside experiments"),
            "most_age_minutes": gettext_lazy("Data may be so old"),
        }
        help_texts = {
            "slate_size": gettext_lazy("How many items a decision has, unless the request says otherwise."),
            "key": gettext_lazy("The shop asks by it, such as POST /v1/decisions/home."),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not self.instance.pk:
            self._leave_to_the_domain("slate_size", "deadline_ms")
        if self.instance.pk and "model" in self.fields:
            field = cast("forms.ModelChoiceField[Any]", self.fields["model"])
            if field.queryset is not None:
                field.queryset = field.queryset.filter(project_id=self.instance.project_id, domain=self.instance.domain)
        if "learner" in self.fields:
            offered = cast("forms.ModelChoiceField[Any]", self.fields["learner"])
            offered.queryset = Learner.objects.filter(point_id=self.instance.pk)

    def _leave_to_the_domain(self, *names: str) -> None:
        """Ask for these only where somebody wants another value than the domain begins with."""
        for name in names:
            field = self.fields[name]
            field.required = False
            self.initial[name] = None
            field.help_text = _("%(about)s Empty: as usual for the domain.") % {"about": field.help_text}

    @property
    def settings(self) -> Mapping[str, object]:
        """What was written of the domain's settings; what was left empty has its default and is left out."""
        written = {
            name: self.cleaned_data.get(_PREFIX + name) for name in (self.domain.settings if self.domain else ())
        }
        return {name: value for name, value in written.items() if value not in (None, "")}


def point_form(domain: Domain, said: Mapping[str, object]) -> type[PointForm]:
    """Return the form of a decision point of a domain, with a field for each of its settings."""
    fields = {
        _PREFIX + name: _field(domain, name, setting, said.get(name)) for name, setting in domain.settings.items()
    }
    return type("PointForm", (PointForm,), {"domain": domain, **fields})


def said_fields(domain: Domain | None) -> list[str]:
    """Return the names of the fields that a decision point of a domain has in common with others."""
    learns = domain is not None and PolicyKind.LEARNED in domain.policies
    in_batches = domain is not None and domain.mode is Mode.BATCH
    return [*(name for name in _SAID if learns or name != "learner"), *(_BATCHES if in_batches else ())]


def setting_fields(domain: Domain | None) -> list[str]:
    """Return the names of the fields of a domain's settings."""
    return [] if domain is None else [_PREFIX + name for name in domain.settings]


def _field(domain: Domain, name: str, setting: Setting, said: object) -> forms.Field:
    value = setting_value(domain, name, setting.default)
    told: dict[str, Any] = {"label": setting_name(domain, name), "required": False, "initial": said}
    if setting.choices:
        usual = _("As usual: %(value)s") % {"value": value}
        values = [(choice, setting_value(domain, name, choice)) for choice in setting.choices]
        return choice_field(choices=[("", usual), *values], help_text=setting_about(setting), **told)
    help_text = _("%(about)s Empty: %(value)s.") % {"about": setting_about(setting), "value": value}
    return forms.FloatField(
        help_text=help_text, widget=decimal_input(), min_value=setting.least, max_value=setting.most, **told
    )
