"""The metrics that domains bring along, made in a project."""

from datetime import datetime

from django.db import transaction

from decisions.domain import MetricTemplate
from decisions.registry import domain_of
from experiments.actions.design import MetricDefinition, create_metric
from experiments.queries.metrics import metric_ids


@transaction.atomic
def create_domain_metrics(*, project_id: int, domain_key: str, acting_user: str, now: datetime) -> dict[str, int]:
    """Create the metrics of a domain that the project lacks and return the ids of all of them by key.

    A metric of the same key that is there already is left as it is: somebody has said what it means here. Raises
    DomainUnknown.
    """
    templates = domain_of(domain_key).metrics
    known = metric_ids(project_id, keys=[template.key for template in templates])
    for template in templates:
        if template.key not in known:
            known[template.key] = create_metric(
                project_id=project_id, definition=_definition(template), acting_user=acting_user, now=now
            )
    return {template.key: known[template.key] for template in templates}


def _definition(template: MetricTemplate) -> MetricDefinition:
    return MetricDefinition(
        key=template.key,
        name=template.name,
        kind=template.kind,
        numerator_events=template.events,
        numerator_what=template.what,
        direction=template.direction,
        denominator_events=template.denominator_events,
        denominator_what=template.denominator_what,
        description=template.about,
    )
