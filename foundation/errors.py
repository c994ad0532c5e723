"""The base of every anticipated error: a stable code, what happened, what to do about it."""

from typing import ClassVar


class DomainError(Exception):
    """An anticipated failure that an interface may show to its caller.

    Subclasses stand next to the function that raises them and set `code` (stable, upper case, part of the
    API) and `hint` (what the caller can do). An instance may carry a more precise hint of its own.
    """

    code: ClassVar[str] = "DOMAIN_ERROR"
    hint: str = ""

    def __init__(self, message: str = "", *, hint: str | None = None) -> None:
        super().__init__(message or self.code)
        if hint is not None:
            self.hint = hint

    @property
    def message(self) -> str:
        """What happened, in one sentence."""
        return str(self.args[0])
