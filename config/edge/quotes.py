"""The edge's handlers of `POST /v1/quotes` and `POST /v1/quotes/verify`: prices that are honoured for a stated time."""

import logging
from collections.abc import Mapping
from datetime import UTC, datetime

from config.edge.desk import Environ, Route, body_of, known_key
from decisions.serving import quotes
from decisions.serving.http import Response
from decisions.serving.runtime import BundleRuntime
from experiments.vocabulary import Reason
from foundation.errors import DomainError

QUOTES = "/v1/quotes"
VERIFY = "/v1/quotes/verify"

logger = logging.getLogger(__name__)


class QuotesUnavailable(DomainError):
    """There is no bundle yet, so that no quote can be told from a forged one."""

    code = "QUOTES_UNAVAILABLE"
    hint = "Ask again in a moment."


class QuoteDesk:
    """Quotes from the live bundle, without any database, and goes on with the last one that it has.

    No longer than quotes are honoured: a price that has changed since would be asked for no longer than that anyway.
    """

    prefixes: Mapping[str, Route] = {}
    statuses: Mapping[type[DomainError], int] = {
        quotes.QuoteRequestMalformed: 400,
        quotes.PersonalDataRefused: 400,
        quotes.CurrencyMismatch: 422,
        QuotesUnavailable: 503,
    }

    def __init__(self, runtime: BundleRuntime) -> None:
        self._runtime = runtime
        self.routes: Mapping[str, Route] = {
            QUOTES: Route("POST", self.quote, QUOTES),
            VERIFY: Route("POST", self.verify, VERIFY),
        }

    def start(self) -> None:
        """Need no work in the background."""

    def close(self) -> None:
        """Hold nothing that would have to be let go."""

    def quote(self, environ: Environ) -> Response:
        """Return for each item what everybody is offered now, signed, or why there is no price.

        Raises:
            KeyUnknown, QuoteRequestMalformed, PersonalDataRefused, CurrencyMismatch: and those of reading the body.
        """
        found = known_key(environ, self._runtime)
        bundle = None if found is None else found[0]
        items = quotes.read_quote_request(body_of(environ), currency=None if bundle is None else bundle.currency)
        if bundle is None:
            return Response(200, quotes.render_no_quotes(items, quotes.Unquoted.BUNDLE_MISSING))
        metadata = {"degraded": Reason.BUNDLE_STALE.value} if self._runtime.is_stale() else {}
        if metadata and self._runtime.silence() * bundle.clock.speed > quotes.quoted_for(bundle).total_seconds():
            return Response(200, quotes.render_no_quotes(items, quotes.Unquoted.BUNDLE_STALE))
        try:
            at = bundle.clock.at(datetime.now(UTC))
            return Response(200, quotes.render_quotes(items, bundle, at=at, metadata=metadata))
        except Exception:
            logger.exception("quotes failed")
            return Response(200, quotes.render_no_quotes(items, quotes.Unquoted.ENGINE_ERROR))

    def verify(self, environ: Environ) -> Response:
        """Return whether a quote is honoured, and for which price.

        Raises:
            KeyUnknown, QuoteRequestMalformed, QuotesUnavailable: and those of reading the body.
        """
        found = known_key(environ, self._runtime)
        text = quotes.read_verification(body_of(environ))
        if found is None:
            raise QuotesUnavailable("No bundle has been loaded yet.")
        bundle = found[0]
        return Response(200, quotes.render_verification(text, bundle, now=bundle.clock.at(datetime.now(UTC))))
