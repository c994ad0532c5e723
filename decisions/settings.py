"""What is set at a decision point, held against what its domain declares."""

import math
import sys
from collections.abc import Mapping
from types import MappingProxyType

from decisions.domain import Domain, Setting
from foundation.errors import DomainError


class SettingInvalid(DomainError):
    """A setting is none that the domain has, or its value is none that it takes."""

    code = "SETTING_INVALID"
    hint = "Use the settings that the message names, within their bounds."


def checked_settings(domain: Domain, said: Mapping[str, object]) -> Mapping[str, float | str]:
    """Return every setting of a domain: what was said, else its default. Raises SettingInvalid."""
    unknown = sorted(str(name) for name in set(said) - set(domain.settings))
    if unknown:
        known = ", ".join(domain.settings) or "none"
        raise SettingInvalid(f"The domain {domain.key} has no setting {unknown[0][:64]!r}; it has: {known}.")
    return MappingProxyType(
        {name: _checked(name, said.get(name, setting.default), setting) for name, setting in domain.settings.items()}
    )


def _checked(name: str, value: object, setting: Setting) -> float | str:
    if isinstance(setting.default, str):
        if not isinstance(value, str) or value not in setting.choices:
            raise SettingInvalid(f"{name} must be one of: {', '.join(setting.choices)}.")
        return value
    least = -math.inf if setting.least is None else setting.least
    most = math.inf if setting.most is None else setting.most
    if (
        isinstance(value, bool)
        or not isinstance(value, int | float)
        or not max(least, -sys.float_info.max) <= value <= min(most, sys.float_info.max)
    ):
        raise SettingInvalid(f"{name} must be a number from {least:g} to {most:g}.")
    return float(value)
