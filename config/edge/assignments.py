"""The edge's handler of `POST /v1/assignments`: what each experiment gives the units; enrols nobody."""

import logging
from collections.abc import Mapping
from datetime import UTC, datetime

from config.edge.desk import Environ, Route, body_of, known_key
from decisions.serving import answers
from decisions.serving.assigning import Asked, give
from decisions.serving.bundle import LiveBundle
from decisions.serving.decision_ids import next_decision_id
from decisions.serving.http import Response
from decisions.serving.known import NOTHING_KNOWN, NOTHING_WANTED, wants_of
from decisions.serving.preview import read_preview
from decisions.serving.runtime import BundleRuntime
from decisions.serving.unit_store import UnitStore
from experiments.vocabulary import Reason
from foundation.errors import DomainError

logger = logging.getLogger(__name__)


class AssignmentDesk:
    """Assigns from the live bundle, without any database; the store is asked where the hash alone does not tell."""

    prefixes: Mapping[str, Route] = {}
    statuses: Mapping[type[DomainError], int] = {answers.RequestMalformed: 400}

    def __init__(self, runtime: BundleRuntime, store: UnitStore) -> None:
        self._runtime = runtime
        self._store = store
        self.routes: Mapping[str, Route] = {
            "/v1/assignments": Route("POST", self.answer, "/v1/assignments"),
        }

    def start(self) -> None:
        """Need no work in the background."""

    def close(self) -> None:
        """Hold nothing that would have to be let go."""

    def answer(self, environ: Environ) -> Response:
        """Return what each experiment gives the units of the request; whatever fails on the way, it is 200."""
        decision_id = next_decision_id()
        found = known_key(environ, self._runtime)
        if found is None:
            missing = answers.render_nothing(decision_id=decision_id, reason=Reason.BUNDLE_MISSING)
            return Response(200, missing)
        request = answers.read_request(body_of(environ))
        try:
            return Response(200, self._assigned(request, found[0], decision_id))
        except Exception:
            logger.exception("assignments failed, decision %s", decision_id)
            return Response(200, answers.render_nothing(decision_id=decision_id, reason=Reason.ENGINE_ERROR))

    def _assigned(self, request: answers.AssignmentRequest, bundle: LiveBundle, decision_id: str) -> bytes:
        at = bundle.clock.at(datetime.now(UTC))
        units, keys = request.units, request.experiments
        wants = wants_of(bundle, units, keys)
        known = NOTHING_KNOWN if wants is NOTHING_WANTED else self._store.look_up(bundle.project_id, wants)
        preview = read_preview(request.preview, bundle, now=at)
        given = give(Asked(units, request.attributes, keys, request.personalised, preview), at, bundle, known)
        metadata = {} if preview is None else {"preview": preview.state.value}
        if self._runtime.is_stale():
            metadata["degraded"] = Reason.BUNDLE_STALE.value
        return answers.render_assignments(given, units, bundle, at=at, decision_id=decision_id, metadata=metadata)
