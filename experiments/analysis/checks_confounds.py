"""Checks of what the variants differ in besides the treatment: how fresh their models are, and whose data they read."""

from typing import Final

from experiments.analysis.check_context import CheckContext, Found, judged, not_applicable

FRESHNESS_CONFOUND: Final = "FRESHNESS_CONFOUND"
ARMS_LEARN_FROM_EACH_OTHER: Final = "ARMS_LEARN_FROM_EACH_OTHER"


def freshness(context: CheckContext) -> Found:
    """Check that the models of all variants learnt from equally fresh data and are trained by the same clock."""
    return _found(context, FRESHNESS_CONFOUND)


def shared_data(context: CheckContext) -> Found:
    """Check that no two variants are both retrained on all traffic, each on what the other one showed."""
    return _found(context, ARMS_LEARN_FROM_EACH_OTHER)


def _found(context: CheckContext, code: str) -> Found:
    """Return the first of what the app that knows the models has found; not applicable where there is nothing."""
    found = [confound for confound in context.health.confounds if confound.code == code]
    if not found:
        return not_applicable("nothing of the kind is known of the variants")
    return judged(failed=True, figures={"variant": found[0].variant, "other": found[0].other, "changes": len(found)})
