"""Who holds an alias for whom, as lines that people read."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _

from decisions.reports.addresses import version_url
from decisions.reports.audiences import EVERYBODY, scope_words
from experiments.reports.wording import Text
from foundation.queries import ProjectFacts
from models_registry.queries.aliases import Holder
from models_registry.queries.versions import VersionFacts


@dataclass(frozen=True, slots=True)
class HolderLine:
    """A version, or the baseline where there is no `url`, and for whom it serves."""

    label: Text
    url: str
    scope: Text


def version_label(version: VersionFacts | None, version_id: int | None = None) -> Text:
    """Return a version with the name of its model; the baseline where there is none."""
    if version is not None:
        return f"{version.model.name} v{version.number}"
    return _("Baseline") if version_id is None else f"#{version_id}"


def serving_lines(
    holders: Sequence[Holder], versions: Mapping[int, VersionFacts], project: ProjectFacts
) -> tuple[HolderLine, ...]:
    """Return what serves whom, first claim first, ending with what everybody else gets."""
    return tuple(_lines(holders, versions, project))


def holders_in_words(holders: Sequence[Holder], numbers: Mapping[int, int]) -> str:
    """Return the holders of an alias in one line, by the numbers of their versions."""
    if not holders:
        return _("nobody")
    parts = []
    for place, holder in enumerate(holders):
        scope = _("everybody else") if place and holder.audience is None else scope_words(holder.audience, None)
        parts.append(_("v%(number)s for %(scope)s") % {"number": numbers.get(holder.version, "?"), "scope": scope})
    return "; ".join(parts)


def _lines(
    holders: Sequence[Holder], versions: Mapping[int, VersionFacts], project: ProjectFacts
) -> Iterator[HolderLine]:
    rest: Text = EVERYBODY
    for holder in holders:
        version = versions.get(holder.version)
        scope = rest if holder.audience is None else scope_words(holder.audience, holder.unit_kind)
        url = version_url(version, project) if version is not None else ""
        yield HolderLine(version_label(version, holder.version), url, scope)
        if holder.audience is None:
            return
        rest = _("everybody else")
    yield HolderLine(_("Baseline"), "", rest)
