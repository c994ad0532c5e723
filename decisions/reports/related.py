"""What an experiment's page tells of decision point, proposal and late data; registered with the readouts."""

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from decisions.promotion import ProposalState
from decisions.queries.points import point_of_experiment
from decisions.queries.promotions import proposal_of
from decisions.queries.stale_looks import stale_newest_look
from decisions.reports.addresses import inbox_url, point_url
from decisions.reports.compliance import compliance_card
from decisions.reports.wording import PROPOSALS
from experiments.queries.designs import run_facts
from experiments.reports.page import Link, RelatedLink
from experiments.reports.related import Related
from foundation.queries import project_facts


def related_decisions(experiment_id: int) -> Related:
    """Return the decision point of an experiment, its proposal, and whether what was decided in batches was done.

    Nothing for one that decides nowhere.
    """
    point = point_of_experiment(experiment_id)
    if point is None:
        return Related()
    links = [RelatedLink(_("Decision point"), point.name, point_url(point.key, project_facts(point.project_id)))]
    card = compliance_card(experiment_id)
    cards = () if card is None else (card,)
    proposal = proposal_of(experiment_id)
    if proposal is None:
        return Related(tuple(links), cards=cards)
    links.append(RelatedLink(_("Promotion"), PROPOSALS[proposal.state].label, inbox_url(proposal.id)))
    if proposal.state is not ProposalState.OPEN:
        return Related(tuple(links), cards=cards)
    return Related(
        links=tuple(links),
        cards=cards,
        next_step=_("Approve or reject the promotion. An approval rolls the version out and concludes the experiment."),
        next_link=Link(_("Open the proposal"), inbox_url(proposal.id)),
    )


def related_lateness(experiment_id: int) -> Related:
    """Return what came too late for the newest look, with a link to the look restated; nothing where it has it all."""
    stale = stale_newest_look(experiment_id)
    if stale is None:
        return Related()
    rows = ngettext("%(n)s row came after this look", "%(n)s rows came after this look", stale.rows) % {"n": stale.rows}
    project = project_facts(run_facts(experiment_id).project_id)
    return Related(links=(RelatedLink(_("Late data"), rows, reverse("intake", args=[project.key])),))
