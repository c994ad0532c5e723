"""Promotion in the demonstration: the proposal, an approval, the new champion on every edge, and the way back."""

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from config.local.demo_faults import DemoFailed, wait_until
from config.local.demo_records import ACTOR
from decisions.actions.promotion import approve, roll_back
from decisions.promotion import ProposalState
from decisions.queries.promotions import ProposalFacts, proposal_of
from simulation.designs import DECISION_POINT
from simulation.edge_client import EdgeClient

WAIT_SECONDS = 60.0
PROMISED_SECONDS = 5.0
POLL_SECONDS = 0.05


def await_proposal(experiment_id: int) -> ProposalFacts:
    """Return the proposal that the verdict led to. Raises DemoFailed where it does not come."""
    wait_until(
        lambda: proposal_of(experiment_id) is not None,
        seconds=WAIT_SECONDS,
        missing="No promotion was proposed in time; see the worker's log.",
    )
    found = proposal_of(experiment_id)
    assert found is not None
    return found


def promote_and_take_back(
    proposal: ProposalFacts, edges: Sequence[EdgeClient], visitor: str, say: Callable[[str], None]
) -> None:
    """Approve the proposal, see every edge serve the new champion, roll back, and see the old one serve again.

    visitor: somebody with a history. Raises DemoFailed where an edge takes longer than is promised.
    """
    before = [model_served(edge, visitor) for edge in edges]
    if any(served is not None for served in before):
        raise DemoFailed(f"Before the promotion the baseline should serve, and {before} does.")
    state = approve(proposal_id=proposal.id, acting_user=ACTOR, now=datetime.now(UTC), reason="The experiment won")
    if state is not ProposalState.PROMOTED:
        raise DemoFailed(f"The approval ended as {state}.")
    took = _await_all(edges, visitor, wanted=lambda served: served is not None)
    champion = model_served(edges[0], visitor)
    say(f"approved: {len(edges)} of {len(edges)} edge processes serve {champion} after {took:.1f} s")
    roll_back(proposal_id=proposal.id, acting_user=ACTOR, now=datetime.now(UTC), reason="To show the way back")
    took = _await_all(edges, visitor, wanted=lambda served: served is None)
    say(f"rolled back: {len(edges)} of {len(edges)} edge processes serve the baseline again after {took:.1f} s")


def model_served(edge: EdgeClient, visitor: str) -> str | None:
    """Return the model version that decides outside experiments, None where the baseline does.

    The id is sent as a customer's: an experiment on visitors, which may still run, leaves that one out.
    """
    outside = {"units": {"customer": visitor}}
    seen = edge.decide(DECISION_POINT, visitor, **outside)["actions"][:1]
    recent = {"recent_items": [action["item"] for action in seen]}
    answer = edge.decide(DECISION_POINT, visitor, **outside, context=recent)
    model = answer["model"]
    return f"{model['key']} v{model['version']}" if answer["policy"] == "model_ranked" and model else None


def _await_all(edges: Sequence[EdgeClient], visitor: str, *, wanted: Callable[[str | None], bool]) -> float:
    """Return the seconds until the last edge serves what is wanted. Raises DemoFailed after those promised."""
    start = time.monotonic()
    waiting = list(edges)
    while waiting:
        waiting = [edge for edge in waiting if not wanted(model_served(edge, visitor))]
        took = time.monotonic() - start
        if waiting and took > PROMISED_SECONDS:
            raise DemoFailed(f"{len(waiting)} edge processes do not follow after {PROMISED_SECONDS:g} s.")
        time.sleep(POLL_SECONDS if waiting else 0.0)
    return took
