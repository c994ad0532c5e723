"""The edge's handlers of the OpenFeature Remote Evaluation Protocol: one flag, and all flags of a project.

Errors have the protocol's own bodies: official clients lose the text of problem documents, or fail on them. What an
answer needs is in the process, but for what a unit met before its experiment's allocation changed.
"""

import logging
import secrets
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime

import msgspec

from config.edge.desk import Environ, Route, body_of, known_key
from decisions.ingest.bodies import BodyDamaged, BodyEncodingUnknown, BodyTooLarge
from decisions.serving import http
from decisions.serving.bundle import LiveBundle
from decisions.serving.decision_ids import next_decision_id
from decisions.serving.etags import is_named
from decisions.serving.flag_texts import FlagBook
from decisions.serving.http import Response
from decisions.serving.known import NOTHING_KNOWN, NOTHING_WANTED, wants_of
from decisions.serving.ofrep import (
    FlagNotFound,
    Occasion,
    Stamp,
    all_failed,
    asked_keys,
    evaluate_all,
    evaluate_one,
    one_failed,
    tag_of,
)
from decisions.serving.ofrep_requests import BodyUnreadable, ContextInvalid, FlagContext, read_context
from decisions.serving.preview import Preview, read_preview
from decisions.serving.runtime import BundleRuntime
from decisions.serving.settings import EdgeSettings
from decisions.serving.unit_store import UnitStore
from experiments.vocabulary import Reason
from foundation.errors import DomainError

PATH = "/ofrep/v1/evaluate/flags"
PREFIX = f"{PATH}/"
ROUTE = f"{PATH}/{{key}}"
LONGEST_ECHO = 200
GENERAL = "GENERAL"

_ERRORS: Mapping[type[DomainError], tuple[int, str]] = {
    BodyUnreadable: (400, BodyUnreadable.code),
    BodyTooLarge: (400, BodyUnreadable.code),
    BodyDamaged: (400, BodyUnreadable.code),
    BodyEncodingUnknown: (400, BodyUnreadable.code),
    ContextInvalid: (400, ContextInvalid.code),
    FlagNotFound: (404, FlagNotFound.code),
    http.KeyUnknown: (401, GENERAL),
}
"""Status and error code; the protocol knows no other statuses for what is wrong with a request."""

_encode = msgspec.json.Encoder().encode

logger = logging.getLogger(__name__)


class FlagDesk:
    """Evaluates flags from the live bundle."""

    statuses: Mapping[type[DomainError], int] = {}
    """None: this desk answers its errors itself."""

    def __init__(self, settings: EdgeSettings, runtime: BundleRuntime, store: UnitStore) -> None:
        self._retry = (("Retry-After", str(settings.retry_seconds)),)
        self._runtime = runtime
        self._store = store
        self._books: dict[int, FlagBook] = {}
        self.routes: Mapping[str, Route] = {PATH: Route("POST", self.answer_all, PATH)}
        self.prefixes: Mapping[str, Route] = {PREFIX: Route("POST", self.answer_one, ROUTE)}

    def start(self) -> None:
        """Need no work in the background."""

    def close(self) -> None:
        """Hold nothing that would have to be let go."""

    def answer_one(self, environ: Environ) -> Response:
        """Return one flag; what fails in evaluating it leaves the caller the flag's default."""
        key = str(environ["PATH_INFO"])[len(PREFIX) :]
        return self._guarded(key, lambda: self._one(key, environ))

    def answer_all(self, environ: Environ) -> Response:
        """Return all flags of the project, or 304 where the caller has them for this very context."""
        return self._guarded(None, lambda: self._all(environ))

    def _one(self, key: str, environ: Environ) -> Response:
        bundle = self._bundle(environ)
        if bundle is None:
            return self._no_bundle(key)
        book = self._book(bundle)
        flag = book.flags.get(key)
        if flag is None:
            raise FlagNotFound(f"The project has no flag {key[:LONGEST_ECHO]!r}.")
        context = read_context(body_of(environ))
        at = bundle.clock.at(datetime.now(UTC))
        preview = read_preview(context.preview, bundle, now=at)
        try:
            keys = asked_keys(flag, context, preview)
            occasion = self._occasion(bundle, book, context, at, preview, keys)
            evaluation = evaluate_one(flag, keys, context, occasion, self._stamp())
        except Exception:  # The storefront gets the default, whatever happened.
            logger.exception("flag %s failed", flag.key)
            evaluation = one_failed(flag, Occasion(bundle, book, at), self._stamp())
        return Response(200 if evaluation.is_success else 400, evaluation.body)

    def _all(self, environ: Environ) -> Response:
        bundle = self._bundle(environ)
        if bundle is None:
            return self._no_bundle(None)
        book = self._book(bundle)
        context = read_context(body_of(environ))
        at = bundle.clock.at(datetime.now(UTC))
        preview = read_preview(context.preview, bundle, now=at)
        try:
            occasion = self._occasion(bundle, book, context, at, preview, None)
            tag = tag_of(context, occasion)
            headers = (("ETag", tag), http.NOT_STORED)
            named = environ.get("HTTP_IF_NONE_MATCH")
            if named and is_named(tag, str(named)):
                return Response(304, b"", headers)
            return Response(200, evaluate_all(context, occasion, self._stamp()), (http.JSON, *headers))
        except Exception:  # As above; without a tag, so that the next request is answered anew.
            logger.exception("flags failed")
            return Response(200, all_failed(Occasion(bundle, book, at), self._stamp()))

    def _bundle(self, environ: Environ) -> LiveBundle | None:
        found = known_key(environ, self._runtime)
        return None if found is None else found[0]

    def _book(self, bundle: LiveBundle) -> FlagBook:
        book = self._books.get(bundle.project_id)
        if book is None or book.snapshot is not bundle.snapshot:
            live = self._runtime.live.by_project
            kept = {project: held for project, held in self._books.items() if project in live}
            book = FlagBook(bundle)
            self._books = {**kept, bundle.project_id: book}
        return book

    def _occasion(
        self,
        bundle: LiveBundle,
        book: FlagBook,
        context: FlagContext,
        at: datetime,
        preview: Preview | None,
        keys: Sequence[str] | None,
    ) -> Occasion:
        wants = wants_of(bundle, context.units, keys)
        known = NOTHING_KNOWN if wants is NOTHING_WANTED else self._store.look_up(bundle.project_id, wants)
        return Occasion(bundle, book, at, known, preview)

    def _stamp(self) -> Stamp:
        return Stamp(next_decision_id(), Reason.BUNDLE_STALE.value if self._runtime.is_stale() else None)

    def _guarded(self, key: str | None, answer: Callable[[], Response]) -> Response:
        """Return what is answered, or the error in the protocol's own form."""
        try:
            return answer()
        except DomainError as error:
            status, code = _ERRORS.get(type(error), (500, GENERAL))
            more = (http.CHALLENGE,) if status == 401 else ()
            return _failure(status, key, code, f"{error.message} {error.hint}", *more)
        except Exception:  # The boundary of the protocol: official clients cannot read a problem document.
            reference = secrets.token_hex(8)
            logger.exception("unforeseen fault %s", reference)
            # All flags: without a code, so that web clients take what they kept instead.
            return _failure(500, key, GENERAL if key is not None else None, f"Reference {reference}.")

    def _no_bundle(self, key: str | None) -> Response:
        """Return 503: clients serve what they kept, or the caller's default, at once."""
        return _failure(503, key, GENERAL, "No bundle could be loaded yet.", *self._retry)


def _failure(status: int, key: str | None, code: str | None, details: str, *more: tuple[str, str]) -> Response:
    named = {} if key is None else {"key": key[:LONGEST_ECHO]}
    coded = {} if code is None else {"errorCode": code}
    body = _encode({**named, **coded, "errorDetails": details})
    return Response(status, body, (http.JSON, http.NOT_STORED, *more))
