"""Validators and defaults of fields that the models of every app share."""

import secrets
import zoneinfo

from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.utils.translation import gettext_lazy as _

validate_key = RegexValidator(
    r"^[a-z0-9][a-z0-9._-]{0,63}$",
    _("Use 1 to 64 lower-case letters, digits, dots, dashes or underscores, starting with a letter or digit."),
)

validate_currency = RegexValidator(r"^[A-Z]{3}$", _("Use an ISO 4217 code such as USD."))


def validate_time_zone(value: str) -> None:
    """Accept the name of a time zone that this machine knows."""
    if value not in zoneinfo.available_timezones():
        raise ValidationError(
            _("Unknown time zone %(value)s; use a name such as Asia/Shanghai."), params={"value": value}
        )


def random_salt() -> str:
    """Return a fresh salt: 128 random bits, written once when the row is made and never again."""
    return secrets.token_urlsafe(16)


def random_secret() -> bytes:
    """Return 256 random bits."""
    return secrets.token_bytes(32)
