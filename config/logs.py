"""Structured logs: one line per event, secrets blotted out before anything is written."""

import re
from collections.abc import Mapping
from typing import Any

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

REDACTED = "[redacted]"
SECRET_NAMES = re.compile(
    r"pass(word|wd|phrase)|secret|pepper|token|api_?key|write_?key|authori[sz]ation|cookie|signature|session_?id",
    re.IGNORECASE,
)
SECRET_VALUES = (
    (re.compile(r"ty_(client|server)_[A-Za-z0-9_-]{20,}"), r"ty_\1_" + REDACTED),
    (re.compile(r"(://[^:@/\s]*):[^@/\s]+@"), r"\1:" + REDACTED + "@"),
    (re.compile(r"\b(Basic|Bearer)\s+[A-Za-z0-9._~+/=-]+"), r"\1 " + REDACTED),
)


def redact(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Return the event with secrets replaced, found by the name of the field or by the shape of the text."""
    return {name: REDACTED if SECRET_NAMES.search(name) else _clean(value) for name, value in event.items()}


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        for pattern, replacement in SECRET_VALUES:
            value = pattern.sub(replacement, value)
        return value
    if isinstance(value, Mapping):
        return {
            name: REDACTED if isinstance(name, str) and SECRET_NAMES.search(name) else _clean(inner)
            for name, inner in value.items()
        }
    if isinstance(value, list | tuple):
        return [_clean(inner) for inner in value]
    return value


def logging_settings(*, level: str, form: str) -> dict[str, object]:
    """Return the `logging` configuration; `form` is JSON (for collectors) or TEXT (for people).

    Line ends inside a field are escaped by both renderers, so no field can forge a second line.
    """
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    renderer: Processor = structlog.processors.LogfmtRenderer(
        key_order=("timestamp", "level", "logger", "event"), drop_missing=True
    )
    if form == "JSON":
        renderer = structlog.processors.JSONRenderer(ensure_ascii=False)
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    formatter = {
        "()": structlog.stdlib.ProcessorFormatter,
        "foreign_pre_chain": shared,
        "processors": [
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            redact,
            renderer,
        ],
    }
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"structured": formatter},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "structured"}},
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {"django.server": {"handlers": ["stderr"], "level": level, "propagate": False}},
    }
