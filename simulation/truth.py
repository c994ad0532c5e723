"""What is true of the simulated shop: how its visitors behave, and what the treatment really does."""

import hashlib
import json
from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True)
class Truth:
    """The parameters that generate every visitor.

    conversion: share of control visitors who order within six days. conversion_lift, views_lift: relative effects of
    the treatment. order_mu, order_sigma: log-normal order value in currency units. views: mean product views per
    visitor. returning: share of visitors who were in the shop in the week before.
    """

    conversion: float = 0.10
    conversion_lift: float = 0.25
    views: float = 4.0
    views_lift: float = 0.0
    order_mu: float = 3.6
    order_sigma: float = 0.6
    returning: float = 0.5
    refunds: float = 0.05

    def fingerprint(self) -> str:
        """Return a digest of the truth, to be shown before a run and checked after it."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()[:16]

    @property
    def right_verdict(self) -> str:
        """What an ideal analysis with enough data says."""
        return "SHIP" if self.conversion_lift > 0 else "STOP_FOR_HARM" if self.conversion_lift < 0 else "INCONCLUSIVE"
