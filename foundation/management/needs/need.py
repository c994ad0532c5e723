"""One need, how it stands, and what mends it."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum


class Standing(StrEnum):
    """How a need stands."""

    OK = "ok"
    NOT_OK = "not ok"
    OPTIONAL = "optional"
    """Absent, and the site runs without it."""


@dataclass(frozen=True, slots=True)
class Need:
    """A need as it was found; `fix` is empty when there is nothing to mend."""

    name: str
    standing: Standing
    found: str
    fix: str = ""


Check = Callable[[], Iterable[Need]]


def ok(name: str, found: str) -> Need:
    """Return a need that is met."""
    return Need(name=name, standing=Standing.OK, found=found)


def not_ok(name: str, found: str, fix: str) -> Need:
    """Return a need that is not met and has to be."""
    return Need(name=name, standing=Standing.NOT_OK, found=found, fix=fix)


def optional(name: str, found: str, fix: str) -> Need:
    """Return a need that is not met and may stay so."""
    return Need(name=name, standing=Standing.OPTIONAL, found=found, fix=fix)


def examine(checks: Iterable[tuple[str, Check]]) -> list[Need]:
    """Run the named checks; one that breaks is a need that is not met, and hides no other."""
    needs: list[Need] = []
    for name, check in checks:
        try:
            needs.extend(check())
        except Exception as fault:  # noqa: BLE001 - a broken check must be reported, whatever broke it
            text = " ".join(str(fault).split()) or type(fault).__name__
            needs.append(not_ok(name, f"could not be examined: {text[:300]}", "mend what it says and run it again."))
    return needs
