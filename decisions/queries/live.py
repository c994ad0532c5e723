"""The newest published bundle, opened as an edge opens it."""

from decisions.models import PublishedBundle
from decisions.serving.bundle import LiveBundle, PublishedText, open_bundle
from decisions.vocabulary import BundleSource
from foundation.errors import DomainError


class NothingPublished(DomainError):
    """The project has no bundle yet."""

    code = "NOTHING_PUBLISHED"
    hint = "Start the workers: they publish as soon as there is something to publish."


def newest_bundle(project_id: int) -> LiveBundle:
    """Return the bundle that edges serve, or will within seconds. Raises NothingPublished, BundleInvalid."""
    row = PublishedBundle.objects.filter(project_id=project_id).order_by("-version").first()
    if row is None:
        raise NothingPublished("Nothing has been published for the project.")
    text = PublishedText(row.project_id, row.version, row.sha256, row.content, row.companion)
    return open_bundle(text, source=BundleSource.POSTGRES)
