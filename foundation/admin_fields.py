"""Form fields for values that people write otherwise than they are stored."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from foundation.admin_base import decimal_input, text_area
from foundation.errors import DomainError
from foundation.money import to_micros

SLOTS_PER_PERCENT = 10_000


class StoredNumberField(forms.DecimalField):
    """A number that is stored on another scale than people write it."""

    def has_changed(self, initial: Any, data: Any) -> bool:
        """Return whether what was typed would be stored as another number."""
        try:
            return bool(self.clean(data) != initial)
        except forms.ValidationError:
            return True


class SlotField(StoredNumberField):
    """Slots of 1 000 000, written as a percentage with up to four decimals, which is exact."""

    def __init__(self, **options: Any) -> None:
        super().__init__(min_value=0, max_value=100, decimal_places=4, widget=decimal_input(), **options)

    def prepare_value(self, value: Any) -> Any:
        """Return the percentage of stored slots; what a person typed stays as it is."""
        return _shortest(Decimal(value) / SLOTS_PER_PERCENT) if isinstance(value, int) else value

    def clean(self, value: Any) -> Any:
        """Return slots."""
        percentage = super().clean(value)
        return None if percentage is None else int(percentage * SLOTS_PER_PERCENT)


class PercentField(StoredNumberField):
    """A relative number (.05), written as a percentage (5)."""

    def __init__(self, **options: Any) -> None:
        super().__init__(min_value=0, decimal_places=4, widget=decimal_input(), **options)

    def prepare_value(self, value: Any) -> Any:
        """Return the percentage of a stored number; what a person typed stays as it is."""
        return _shortest(Decimal(str(value)) * 100) if isinstance(value, float) else value

    def clean(self, value: Any) -> Any:
        """Return the relative number."""
        percentage = super().clean(value)
        return None if percentage is None else float(percentage / 100)


class MicrosField(StoredNumberField):
    """Micro units, written in whole ones."""

    def __init__(self, **options: Any) -> None:
        super().__init__(min_value=0, decimal_places=6, widget=decimal_input(), **options)

    def prepare_value(self, value: Any) -> Any:
        """Return the amount of stored micro units; what a person typed stays as it is."""
        return _shortest(Decimal(value) / 1_000_000) if isinstance(value, int) else value

    def clean(self, value: Any) -> Any:
        """Return micro units."""
        amount = super().clean(value)
        if amount is None:
            return None
        try:
            return to_micros(amount)
        except DomainError as error:
            raise forms.ValidationError(error.message, code=error.code) from error


class LinesField(forms.CharField):
    """A list of texts, one a line."""

    def __init__(self, **options: Any) -> None:
        super().__init__(widget=text_area(), **options)

    def prepare_value(self, value: Any) -> Any:
        """Return the texts as lines."""
        return "\n".join(value) if isinstance(value, list | tuple) else value

    def to_python(self, value: Any) -> Sequence[str]:  # type: ignore[override]
        """Return the lines that are not empty, each once."""
        lines = value if isinstance(value, list | tuple) else str(value or "").splitlines()
        return list(dict.fromkeys(line.strip() for line in lines if line.strip()))

    def validate(self, value: Any) -> None:
        """Refuse an empty list where one is needed."""
        if self.required and not value:
            raise forms.ValidationError(_("Write at least one line."), code="required")

    def run_validators(self, value: Any) -> None:
        """Check each line."""
        for line in value:
            super().run_validators(line)

    def has_changed(self, initial: Any, data: Any) -> bool:
        """Return whether the lists differ."""
        return list(initial or []) != self.to_python(data)


def _shortest(value: Decimal) -> str:
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
