"""Where the pages about models and decisions are, and what they link to; each names its project."""

from urllib.parse import urlencode

from django.urls import reverse

from foundation.queries import ProjectFacts
from models_registry.queries.versions import ModelFacts, VersionFacts


def model_url(model: ModelFacts, project: ProjectFacts, *, name: str = "model") -> str:
    """Return the address of a model's page, or of its twin of another name."""
    return _within(project, reverse(name, args=[model.key]))


def version_url(version: VersionFacts, project: ProjectFacts, *, name: str = "model-version", anchor: str = "") -> str:
    """Return the address of a model version's page, or of a place in it."""
    address = _within(project, reverse(name, args=[version.model.key, version.number]))
    return f"{address}#{anchor}" if anchor else address


def diff_url(
    before: VersionFacts, after: VersionFacts, project: ProjectFacts, *, name: str = "model-versions-diff"
) -> str:
    """Return the address of two versions of a model side by side."""
    return _within(project, reverse(name, args=[before.model.key]), a=before.number, b=after.number)


def point_url(key: str, project: ProjectFacts, *, name: str = "decision-point", **options: object) -> str:
    """Return the address of a decision point's page."""
    return _within(project, reverse(name, args=[key]), **options)


def learner_url(point_key: str, key: str, project: ProjectFacts, *, name: str = "learner") -> str:
    """Return the address of a learning policy's page."""
    return _within(project, reverse(name, args=[point_key, key]))


def decision_url(decision_id: str, point_key: str, project: ProjectFacts, *, name: str = "decision") -> str:
    """Return the address of a decision's page."""
    return _within(project, reverse(name, args=[point_key, decision_id]))


def batch_url(batch_id: int, point_key: str, project: ProjectFacts, *, name: str = "batch", **options: object) -> str:
    """Return the address of a batch's page, or of its file of another name."""
    return _within(project, reverse(name, args=[point_key, batch_id]), **options)


def readout_url(experiment_key: str, project: ProjectFacts) -> str:
    """Return the address of an experiment's readout."""
    return _within(project, reverse("readout", args=[experiment_key]))


def inbox_url(proposal_id: int | None = None) -> str:
    """Return the address of the promotion inbox, or of a proposal in it."""
    address = reverse("promotions")
    return address if proposal_id is None else f"{address}#proposal-{proposal_id}"


def admin_url(table: str, row: int) -> str:
    """Return the address of a row's page in the administration."""
    return reverse(f"admin:{table}_change", args=[row])


def _within(project: ProjectFacts, address: str, **options: object) -> str:
    return f"{address}?{urlencode({'project': project.key, **options})}"
