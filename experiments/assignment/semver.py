"""Semantic versions 2.0.0 as values that compare in their order of precedence."""

import re

Precedence = tuple[int, int, int, bool, tuple[tuple[bool, int, str], ...]]

_LONGEST = 128
_VERSION = re.compile(
    r"v?(\d{1,18})(?:\.(\d{1,18}))?(?:\.(\d{1,18}))?(?:-([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?(?:\+[0-9A-Za-z.-]+)?",
    re.ASCII,
)


def parse_semver(value: object) -> Precedence | None:
    """Return what orders a version, or None where the value is not one.

    A leading v and missing minor or patch numbers (read as 0) are allowed, as shops write them; build
    metadata is ignored; a pre-release comes before its release (semver.org, clause 11).
    """
    if not isinstance(value, str) or len(value) > _LONGEST:
        return None
    match = _VERSION.fullmatch(value)
    if match is None:
        return None
    major, minor, patch, prerelease = match.groups()
    parts = tuple(_identifier(part) for part in prerelease.split(".")) if prerelease else ()
    return int(major), int(minor or 0), int(patch or 0), not prerelease, parts


def _identifier(part: str) -> tuple[bool, int, str]:
    if part.isdigit():
        return False, int(part), ""
    return True, 0, part
