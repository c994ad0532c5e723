"""The edge's handler of `POST /v1/decisions/{decision_point}`: from a request to an answer and a row of the log."""

import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from functools import partial
from typing import Any

from config.edge.desk import Environ, Route, body_of, browser_of, known_key
from decisions.ingest.browsers import ATTRIBUTE as BROWSER
from decisions.ingest.browsers import BrowserFamily
from decisions.ingest.decision_log import DecisionLog
from decisions.ingest.decision_rows import Occasion, decision_row
from decisions.ingest.exposure import stored_units
from decisions.ingest.properties import keep_attributes
from decisions.ingest.spool import Spool
from decisions.ingest.writer import LONGEST_SIMULATED_WRITE, LONGEST_WRITE, EventWriter
from decisions.serving.bundle import LiveBundle
from decisions.serving.choosing import Means
from decisions.serving.decide import Decision, decide
from decisions.serving.decision_answers import render_decision, render_no_decision
from decisions.serving.decision_ids import next_decision_id
from decisions.serving.decision_requests import (
    ContextUnknown,
    DecidedInBatches,
    DecisionMalformed,
    DecisionPointUnknown,
    DecisionRequest,
    read_decision_request,
)
from decisions.serving.guard import GuardedScoring
from decisions.serving.http import Response
from decisions.serving.known import NOTHING_WANTED, Features, Known, Wants, wants_of
from decisions.serving.metrics import EdgeMetrics
from decisions.serving.points import DecisionPoint
from decisions.serving.runtime import NOTHING, BundleRuntime
from decisions.serving.settings import EdgeSettings
from decisions.serving.shadow import Comparison, ShadowScoring, is_drawn
from decisions.serving.token import UNIT_KINDS
from decisions.serving.unit_store import UnitStore
from decisions.vocabulary import DecisionReason, FeatureState
from experiments.assignment.bucketing import encode_unit
from experiments.vocabulary import Reason
from foundation.clock import ClockKind
from foundation.errors import DomainError

PREFIX = "/v1/decisions/"
ROUTE = "/v1/decisions/{decision_point}"
WARM_SECONDS = 1.0
"""How long a model may take for its first scores, before requests are served."""

logger = logging.getLogger(__name__)


class DecisionDesk:
    """Everything that one edge process needs to decide, and to remember what it decided."""

    routes: Mapping[str, Route] = {}
    statuses: Mapping[type[DomainError], int] = {
        DecisionPointUnknown: 404,
        DecisionMalformed: 400,
        DecidedInBatches: 409,
        ContextUnknown: 422,
    }

    def __init__(self, settings: EdgeSettings, runtime: BundleRuntime, metrics: EdgeMetrics, store: UnitStore) -> None:
        self.prefixes: Mapping[str, Route] = {PREFIX: Route("POST", self.answer, ROUTE)}
        self._runtime = runtime
        self._metrics = metrics
        self._store = store
        self._scoring = GuardedScoring(settings.breaker)
        self._shadow = ShadowScoring(settings.breaker)
        self._served = NOTHING
        url = settings.database_url
        self.log = DecisionLog(
            EventWriter(url, connections=1, connect_seconds=settings.connect_seconds) if url else None,
            Spool(settings.state_directory, limit=settings.spool_bytes),
            within=self._longest_write,
        )

    def start(self) -> None:
        """Begin to write the log in the background, and decide once for nobody, so that no shopper meets first times.

        The first decision of a process loads parts of NumPy and opens the connection to Redis.
        """
        self.log.start()
        for bundle in self._runtime.live.by_project.values():
            for point in bundle.points.by_key.values():
                shelf = bundle.equipment.shelves.get(point.domain.key)
                if shelf is not None and shelf.catalogue.items:
                    self._warm(bundle, point, shelf.catalogue.items)

    def _warm(self, bundle: LiveBundle, point: DecisionPoint, items: Sequence[str]) -> None:
        at = bundle.snapshot.latest_opening
        self._store.look_up(bundle.project_id, Wants([("visitor", "")], _shown_since(point, at)))
        known = Known(features=Features(FeatureState.AVAILABLE, (items[-1],), (items[0],)))
        is_simulated = bundle.clock.kind is ClockKind.SIMULATION
        score = partial(self._scoring.score, until=time.monotonic() + WARM_SECONDS, is_simulated=is_simulated)
        decide(DecisionRequest(units={}), point, bundle, known, at, Means(score, ""))

    def close(self) -> None:
        """Write or keep what was decided, and let go of threads and connections."""
        self._shadow.close()
        self.log.close()
        self._scoring.close()
        self._store.close()

    def show_metrics(self) -> None:
        """Bring the counters of decision log and circuits up to date."""
        states = self._scoring.status()
        self._metrics.show_circuits(
            {
                (bundle.snapshot.project_key, model.model, str(model.number)): states[version]
                for bundle in self._runtime.live.by_project.values()
                for version, model in bundle.points.models.items()
                if version in states
            }
        )
        self._metrics.show_shadow(asdict(self._shadow.counts))
        self._metrics.show_log(rows=asdict(self.log.counts), queued=self.log.queued, spool_bytes=self.log.spool_bytes)

    def answer(self, environ: Environ) -> Response:
        """Return the decision for the request; whatever fails on the way, the answer is 200 with a reason.

        Raises:
            KeyUnknown, DecisionPointUnknown, DecidedInBatches, DecisionMalformed, ContextUnknown: and those of reading
                the body.
        """
        started = time.monotonic()
        point_key = str(environ["PATH_INFO"])[len(PREFIX) :]
        decision_id = next_decision_id()
        found = known_key(environ, self._runtime)
        if found is None:
            missing = DecisionReason.BUNDLE_MISSING
            return Response(200, render_no_decision(point_key, decision_id=decision_id, reason=missing))
        bundle = found[0]
        point = bundle.points.by_key.get(point_key)
        if point is None:
            raise DecisionPointUnknown(f"The project has no decision point {point_key[:64]!r}.")
        request = read_decision_request(body_of(environ), point)
        try:
            exposure = self._exposure_attributes(request, bundle, browser_of(environ, bundle, found[1]))
            return Response(200, self._decided(request, point, bundle, exposure, decision_id, started))
        except Exception:
            logger.exception("decision %s failed", decision_id)
            failed = DecisionReason.ENGINE_ERROR
            return Response(200, render_no_decision(point_key, decision_id=decision_id, reason=failed))

    def _exposure_attributes(
        self, request: DecisionRequest, bundle: LiveBundle, browser: BrowserFamily | None
    ) -> dict[str, Any]:
        """Return the attributes that an exposure by this request is stored with."""
        if not request.expose:
            return {}
        seen = {} if browser is None else {BROWSER: browser.value}
        return seen | keep_attributes(request.attributes, bundle.attributes)[0]

    def _decided(
        self,
        request: DecisionRequest,
        point: DecisionPoint,
        bundle: LiveBundle,
        exposure_attributes: Mapping[str, Any],
        decision_id: str,
        started: float,
    ) -> bytes:
        self._let_go_of_old_versions()
        at = bundle.clock.at(datetime.now(UTC))
        given = request.units
        stored = stored_units(bundle, {kind: given[kind] for kind in UNIT_KINDS if encode_unit(given.get(kind))})
        is_simulated = bundle.clock.kind is ClockKind.SIMULATION
        score = partial(self._scoring.score, until=started + point.deadline, is_simulated=is_simulated)
        known = self._look_up(request, point, bundle, stored, at)
        decision = decide(request, point, bundle, known, at, Means(score, decision_id))
        if decision.visitor is not None:
            stored |= {"visitor": decision.visitor}
        exposed = request.expose and decision.enrolled
        degraded = Reason.BUNDLE_STALE.value if self._runtime.is_stale() else None
        body = render_decision(
            decision, stored, bundle, at=at, decision_id=decision_id, exposed=exposed, degraded=degraded
        )
        occasion = Occasion(
            project_id=bundle.project_id,
            bundle_version=bundle.version,
            decision_id=decision_id,
            at=at,
            units=stored,
            personalised=request.personalised,
            displayed=request.expose,
            exposed=exposed,
            degraded=degraded,
            microseconds=round((time.monotonic() - started) * 1e6),
            attributes=exposure_attributes,
        )
        self._keep(decision, occasion, bundle)
        self._metrics.count_decision(bundle.snapshot.project_key, point.key, decision.reason)
        return body

    def _keep(self, decision: Decision, occasion: Occasion, bundle: LiveBundle) -> None:
        """Let the decision be logged: at once, or once it has been compared with the shadow of its point."""
        shadow = decision.point.shadow
        if shadow is None or not is_drawn(decision, shadow, occasion.decision_id):
            self.log.add(decision_row(decision, occasion))
            return
        self._shadow.offer(
            Comparison(decision, shadow, bundle.equipment, occasion.decision_id),
            lambda note: self.log.add(decision_row(decision, replace(occasion, shadow=note))),
        )

    def _look_up(
        self,
        request: DecisionRequest,
        point: DecisionPoint,
        bundle: LiveBundle,
        stored: Mapping[str, str],
        at: datetime,
    ) -> Known:
        """Return what is known of the units, asked before any variant is: all variants meet the same failures."""
        wants = wants_of(bundle, request.units, tuple(point.arms)) if point.arms else NOTHING_WANTED
        if point.is_personal and request.personalised:
            features = [(kind.value, stored[kind]) for kind in point.domain.unit_kinds if kind in stored]
            wants = wants._replace(features=features, shown_since=_shown_since(point, at))
        return self._store.look_up(bundle.project_id, wants)

    def _let_go_of_old_versions(self) -> None:
        live = self._runtime.live
        if live is not self._served:
            self._served = live
            versions = {n for bundle in live.by_project.values() for n in bundle.points.models}
            self._scoring.keep_only(versions)
            self._shadow.keep_only(versions)

    def _longest_write(self, project_id: int) -> float:
        bundle = self._runtime.live.by_project.get(project_id)
        is_real = bundle is not None and bundle.clock.kind is ClockKind.REAL
        return LONGEST_WRITE if is_real else LONGEST_SIMULATED_WRITE


def _shown_since(point: DecisionPoint, at: datetime) -> float | None:
    """Return from when on the domain asks what was shown, seconds since 1970; None where it does not ask."""
    within = point.domain.hooks.shown_within
    return None if within is None else (at - within).timestamp()
