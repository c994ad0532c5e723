"""Deriving substitution clusters from what was sold: for the items that the shop itself has put into none."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction

from decisions.actions.catalogue_pace import database_now
from decisions.actions.given_clusters import ClusterChange, write_clusters
from decisions.actions.watermark import locked_watermark
from decisions.clusters import derive_clusters, with_known_names
from decisions.models import ItemCluster
from decisions.queries.trade import current_clusters, trade_of
from experiments.queries.live_units import live_experiments
from experiments.vocabulary import UnitKind
from foundation.actions.journal import write_journal
from foundation.errors import DomainError
from foundation.queries import ProjectFacts, project_by_key

LARGEST: Final = 12
"""Items of a derived cluster, where nothing else is asked for."""
DERIVED: Final = ItemCluster.Origin.DERIVED


class ClustersInUse(DomainError):
    """An experiment randomises clusters, so that they cannot change now."""

    code = "CLUSTERS_IN_USE"
    hint = "Derive them when it has stopped; with --dry-run you can look at what would come out."


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterSummary:
    """What was derived. clusters: items by cluster, in the order of the names. changed: items with another cluster.

    days: of sales. priced, links, contained: as of `decisions.clusters.Derived`. written: whether it holds from now on.
    """

    clusters: Mapping[str, tuple[str, ...]]
    changed: int
    days: int
    priced: int
    links: int
    contained: float | None
    written: bool


def derive_for_project(
    *, project_key: str, days: int, largest: int, dry_run: bool, acting_user: str, now: datetime
) -> ClusterSummary:
    """Derive clusters from the days before `now` (wall time) and let them hold from now on, unless it is a dry run.

    What was derived before gives way where it differs; what is given stays. Raises ProjectUnknown, ClustersInUse,
    TooManyToCluster.
    """
    facts = project_by_key(project_key)
    if not dry_run:
        _refuse_in_use(facts)
    end = facts.clock.at(now)
    trade = trade_of(facts.id, start=end - timedelta(days=days), end=end)
    derived = derive_clusters(trade, most=largest)
    before = current_clusters(facts.id, DERIVED)
    found = dict(zip(trade.items, with_known_names(trade.items, derived.clusters, before), strict=True))
    summary = ClusterSummary(
        clusters=_by_cluster(found),
        changed=sum(before.get(item) != cluster for item, cluster in found.items()),
        days=days,
        priced=derived.priced,
        links=derived.links,
        contained=derived.contained,
        written=not dry_run,
    )
    if not dry_run:
        _let_hold(facts, found, summary, acting_user=acting_user, now=now)
    return summary


@transaction.atomic
def _let_hold(
    facts: ProjectFacts, found: Mapping[str, str], summary: ClusterSummary, *, acting_user: str, now: datetime
) -> None:
    """Write what differs from now on, project time, with a journal entry. The projector waits until it ends."""
    locked_watermark(facts.id)
    _refuse_in_use(facts)
    at = facts.clock.at(database_now())
    open_rows = ItemCluster.objects.filter(project_id=facts.id, valid_until=None)
    known = {row.item_id: row for row in open_rows.filter(item_id__in=list(found))}
    changed = []
    for item, cluster in found.items():
        row = known.get(item)
        if row is None:
            changed.append(ClusterChange(item, cluster))
        elif row.origin == DERIVED and row.cluster != cluster:
            changed.append(ClusterChange(item, cluster, row.pk, row.valid_from))
    write_clusters(facts.id, changed, origin=DERIVED, now=at)
    write_journal(
        project_id=facts.id,
        at=now,
        actor=acting_user,
        action="clusters.derive",
        subject="clusters",
        after={
            "items": len(found),
            "clusters": len(summary.clusters),
            "changed": len(changed),
            "days": summary.days,
            "links": summary.links,
            "contained": summary.contained,
        },
    )


def _refuse_in_use(facts: ProjectFacts) -> None:
    using = live_experiments(facts.id, UnitKind.CLUSTER)
    if using:
        raise ClustersInUse(f"{using[0]} randomises clusters; its outcomes would move to others.")


def _by_cluster(found: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    members: dict[str, list[str]] = {}
    for item, cluster in found.items():
        members.setdefault(cluster, []).append(item)
    return {name: tuple(members[name]) for name in sorted(members)}
