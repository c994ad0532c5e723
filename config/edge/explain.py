"""The edge's handler of `POST /v1/explain`: why a unit gets what it gets, for holders of a server key."""

from collections.abc import Mapping
from datetime import UTC, datetime

from config.edge.bundles import BundleNotLoaded, ServerKeyNeeded
from config.edge.desk import Environ, Route, body_of, known_key
from decisions.serving import answers
from decisions.serving.explaining import case_of, encode_explanation, render_explanation
from decisions.serving.http import Response
from decisions.serving.known import NOTHING_WANTED, Known, wants_of
from decisions.serving.preview import read_preview, with_preview
from decisions.serving.runtime import BundleRuntime
from decisions.serving.unit_store import UnitStore
from decisions.vocabulary import KeyKind
from experiments.assignment.explain import Explanation, explain
from foundation.errors import DomainError


class ExperimentNotNamed(DomainError):
    """A request for an explanation does not name exactly one experiment."""

    code = "EXPERIMENT_NOT_NAMED"
    hint = 'Send the body of POST /v1/assignments with one key: "experiments": ["key"].'


class ExplainDesk:
    """Explains assignments step by step; rules and slots are in it, so browsers may not ask."""

    prefixes: Mapping[str, Route] = {}
    statuses: Mapping[type[DomainError], int] = {
        answers.RequestMalformed: 400,
        ExperimentNotNamed: 400,
        ServerKeyNeeded: 403,
        BundleNotLoaded: 503,
    }

    def __init__(self, runtime: BundleRuntime, store: UnitStore) -> None:
        self._runtime = runtime
        self._store = store
        self.routes: Mapping[str, Route] = {"/v1/explain": Route("POST", self.answer, "/v1/explain")}

    def start(self) -> None:
        """Need no work in the background."""

    def close(self) -> None:
        """Hold nothing that would have to be let go."""

    def answer(self, environ: Environ) -> Response:
        """Return the steps and the answer for one experiment.

        Raises:
            ServerKeyNeeded, ExperimentNotNamed, BundleNotLoaded: and those of reading key and body.
        """
        found = known_key(environ, self._runtime)
        if found is None:
            raise BundleNotLoaded("No bundle could be loaded yet.")
        bundle, key = found
        if key.kind is not KeyKind.SERVER:
            raise ServerKeyNeeded("Explanations are for server keys only.")
        request = answers.read_request(body_of(environ))
        if request.experiments is None or len(request.experiments) != 1:
            raise ExperimentNotNamed("The request names no experiment, or several.")
        at = bundle.clock.at(datetime.now(UTC))
        wants = wants_of(bundle, request.units, request.experiments)
        known = Known() if wants is NOTHING_WANTED else self._store.look_up(bundle.project_id, wants)
        case = case_of(bundle, request, at, known)
        preview = read_preview(request.preview, bundle, now=at)
        explanation = explain(case)
        (given,) = with_preview((explanation.assignment,), preview, request.experiments)
        shown = render_explanation(Explanation(explanation.steps, given))
        return Response(200, encode_explanation(shown | {"at": at, "bundle_version": bundle.version}))
