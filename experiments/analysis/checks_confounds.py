"""Checks of what sets variants apart besides the treatment: how fresh their models are, whose data they read, and
whether the shop did what they decided."""

from typing import Final

from experiments.analysis.check_context import CheckContext, Found, judged, not_applicable

FRESHNESS_CONFOUND: Final = "FRESHNESS_CONFOUND"
ARMS_LEARN_FROM_EACH_OTHER: Final = "ARMS_LEARN_FROM_EACH_OTHER"
DECISIONS_NOT_APPLIED: Final = "DECISIONS_NOT_APPLIED"
UNEQUALLY_APPLIED: Final = "UNEQUALLY_APPLIED"
STOCK_NOT_VALUED: Final = "STOCK_NOT_VALUED"
STOCK_OFTEN_NOT_VALUED: Final = "STOCK_OFTEN_NOT_VALUED"


def freshness(context: CheckContext) -> Found:
    """Check that the models of all variants learnt from equally fresh data and are trained by the same clock."""
    return _found(context, FRESHNESS_CONFOUND)


def shared_data(context: CheckContext) -> Found:
    """Check that no two variants are both retrained on all traffic, each on what the other one showed."""
    return _found(context, ARMS_LEARN_FROM_EACH_OTHER)


def stock_not_valued(context: CheckContext) -> Found:
    """Check that the stock of every period that is over was valued; a cell without that counts in no variant."""
    return _found(context, STOCK_NOT_VALUED)


def stock_often_not_valued(context: CheckContext) -> Found:
    """Check that no variant has lost more than a few of its cells that way; the rest would be another experiment."""
    return _found(context, STOCK_OFTEN_NOT_VALUED)


def applied(context: CheckContext) -> Found:
    """Check that the shop applied what each variant decided."""
    return _found(context, DECISIONS_NOT_APPLIED)


def equally_applied(context: CheckContext) -> Found:
    """Check that the shop applied the decisions of all variants alike."""
    return _found(context, UNEQUALLY_APPLIED)


def _found(context: CheckContext, code: str) -> Found:
    """Return the first of what the app that knows the models has found; not applicable where there is nothing."""
    found = [confound for confound in context.health.confounds if confound.code == code]
    if not found:
        return not_applicable("nothing of the kind is known of the variants")
    return judged(failed=True, figures={"variant": found[0].variant, "other": found[0].other, "changes": len(found)})
