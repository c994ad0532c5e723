"""What the page of an experiment tells of its decision point and its proposal; registered with the readouts."""

from django.utils.translation import gettext as _

from decisions.promotion import ProposalState
from decisions.queries.points import point_of_experiment
from decisions.queries.promotions import proposal_of
from decisions.reports.addresses import inbox_url, point_url
from decisions.reports.wording import PROPOSALS
from experiments.reports.page import Link, RelatedLink
from experiments.reports.related import Related
from foundation.queries import project_facts


def related_decisions(experiment_id: int) -> Related:
    """Return the decision point of an experiment and its proposal; nothing for one that decides nowhere."""
    point = point_of_experiment(experiment_id)
    if point is None:
        return Related()
    links = [RelatedLink(_("Decision point"), point.name, point_url(point.key, project_facts(point.project_id)))]
    proposal = proposal_of(experiment_id)
    if proposal is None:
        return Related(links=tuple(links))
    links.append(RelatedLink(_("Promotion"), PROPOSALS[proposal.state].label, inbox_url(proposal.id)))
    if proposal.state is not ProposalState.OPEN:
        return Related(links=tuple(links))
    return Related(
        links=tuple(links),
        next_step=_("Approve or reject the promotion. An approval rolls the version out and concludes the experiment."),
        next_link=Link(_("Open the proposal"), inbox_url(proposal.id)),
    )
