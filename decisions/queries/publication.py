"""What is published of each project, and what keeps its newest state from being published."""

from dataclasses import dataclass
from datetime import datetime

from decisions.models import PublishedBundle
from foundation.queries import JobFault, all_projects, latest_fault


@dataclass(frozen=True, slots=True)
class Publication:
    """How far a project is published. `version` is the revision that edges serve, None where none was published."""

    project_id: int
    project_key: str
    revision: int
    version: int | None
    published_at: datetime | None
    fault: JobFault | None

    @property
    def is_current(self) -> bool:
        """Whether what is served is what the records say now."""
        return self.version == self.revision


def publications() -> list[Publication]:
    """Return how far each project is published, oldest project first; the fault is that of its newest revision."""
    return [_publication(facts.id, facts.key, facts.revision) for facts in all_projects()]


def _publication(project_id: int, key: str, revision: int) -> Publication:
    newest = PublishedBundle.objects.filter(project_id=project_id).order_by("-version")
    row = newest.values_list("version", "published_at").first()
    version, published_at = row or (None, None)
    fault = None if version == revision else latest_fault(key_prefix=f"publish_bundle:{project_id}:")
    return Publication(project_id, key, revision, version, published_at, fault)
