"""Connection settings from one URL."""

from urllib.parse import parse_qsl, unquote, urlsplit


def django_database(url: str, *, connect_seconds: int, statement_seconds: int) -> dict[str, object]:
    """Return Django's settings of the PostgreSQL database at the URL.

    Query parameters of the URL become libpq options.
    """
    parts = urlsplit(url)
    options: dict[str, object] = dict(parse_qsl(parts.query))
    statement_limit = f"-c statement_timeout={statement_seconds * 1000}"
    options["options"] = " ".join(filter(None, (str(options.get("options", "")), statement_limit)))
    options.setdefault("connect_timeout", connect_seconds)
    options.setdefault("application_name", "tiltyard")
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.lstrip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": parts.hostname or "",
        "PORT": str(parts.port or ""),
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": options,
    }
