"""Errors of the local services, each with the way out."""


class LocalServiceError(Exception):
    """A local server cannot be had; `fix` says what mends it."""

    code = "LOCAL_SERVICE_FAILED"

    def __init__(self, message: str, *, fix: str) -> None:
        super().__init__(f"{message}\n  fix: {fix}")
        self.message = message
        self.fix = fix


class BinariesMissing(LocalServiceError):
    """The packages that carry the server programs are not installed."""

    code = "LOCAL_BINARIES_MISSING"


class ServerWouldNotStart(LocalServiceError):
    """A server program ended, or stayed silent, before it answered."""

    code = "LOCAL_SERVER_WOULD_NOT_START"


class NoUnprivilegedAccount(LocalServiceError):
    """Root may not become the account that Postgres has to run as."""

    code = "LOCAL_NO_UNPRIVILEGED_ACCOUNT"
