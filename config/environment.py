"""Settings from the environment, checked once at the start: every fault is listed, each with its fix.

Variables win over the file `environment` in the state directory, which `bin/setup` writes.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

BASE_DIR = Path(__file__).resolve().parents[1]
SHORTEST_SECRET = 50
FEWEST_DIFFERENT_CHARACTERS = 5
DEFAULT_SECRETS = ("django-insecure", "changeme", "change-me", "change_me", "insecure", "default")

FIXES: Mapping[str, str] = {
    "DATABASE_URL": "DATABASE_URL=postgresql://user:password@host:5432/name, or unset it and use bin/manage.",
    "REDIS_URL": "REDIS_URL=redis://:password@host:6379/0, or leave it out and use bin/manage.",
    "SECRET_KEY": "bin/setup writes one; or python3 -c 'import secrets; print(secrets.token_urlsafe(50))'.",
    "ALLOWED_HOSTS": "ALLOWED_HOSTS=console.example.com,10.0.0.7: the names the console is reached by.",
    "CSRF_TRUSTED_ORIGINS": "CSRF_TRUSTED_ORIGINS=https://console.example.com (scheme included).",
    "TILTYARD_CONSOLE_URL": "TILTYARD_CONSOLE_URL=https://console.example.com, without a path.",
}

Names = Annotated[tuple[str, ...], NoDecode]


class EnvironmentFault(Exception):
    """The environment cannot be used; the message lists every fault with its fix."""

    code = "ENVIRONMENT_INVALID"

    def __init__(self, faults: Mapping[str, str]) -> None:
        self.faults = dict(faults)
        noun = "fault" if len(self.faults) == 1 else "faults"
        lines = [f"The environment has {len(self.faults)} {noun}:"]
        for name, fault in self.faults.items():
            lines += [f"  {name}: {fault}", f"    fix: {FIXES.get(name, f'correct or remove {name}.')}"]
        super().__init__("\n".join(lines))


class Environment(BaseSettings):
    """What the processes of Tiltyard are told from outside."""

    model_config = SettingsConfigDict(case_sensitive=True, extra="ignore", frozen=True, hide_input_in_errors=True)

    debug: bool = Field(default=False, validation_alias="DEBUG")
    """Whether Django shows tracebacks to visitors; also allows a weak SECRET_KEY."""
    secret_key: SecretStr = Field(validation_alias="SECRET_KEY")
    """Signs sessions and forms of the console."""
    database_url: str = Field(validation_alias="DATABASE_URL")
    """The PostgreSQL server that holds every record."""
    redis_url: str = Field(validation_alias="REDIS_URL")
    """The Redis or Valkey server that rings workers and caches."""
    allowed_hosts: Names = Field(default=("localhost", "127.0.0.1", "[::1]"), validation_alias="ALLOWED_HOSTS")
    """Host names the console answers to."""
    csrf_trusted_origins: Names = Field(default=(), validation_alias="CSRF_TRUSTED_ORIGINS")
    """Origins whose forms the console accepts besides its own."""
    https: bool = Field(default=True, validation_alias="TILTYARD_HTTPS")
    """Whether the console is reached through TLS: secure cookies, redirect, strict transport security."""
    state_directory: Path = Field(default=BASE_DIR / ".tiltyard", validation_alias="TILTYARD_STATE_DIR")
    """Where processes keep files that can be rebuilt: last-known-good bundle, beat schedule, logs."""
    static_directory: Path | None = Field(default=None, validation_alias="TILTYARD_STATIC_DIRECTORY")
    """Where static files are collected; `static` in the state directory where unset."""
    console_url: str = Field(default="http://127.0.0.1:8000", validation_alias="TILTYARD_CONSOLE_URL")
    """The address of the console, for links that commands print."""
    static_files: Literal["HASHED", "PLAIN"] = Field(default="HASHED", validation_alias="TILTYARD_STATIC_FILES")
    """HASHED names need `collectstatic`; PLAIN ones do not (tests)."""
    code_revision: str | None = Field(default=None, validation_alias="TILTYARD_CODE_REVISION")
    """What training runs name as the running code; the commit of the checkout where unset."""
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        default="INFO", validation_alias="TILTYARD_LOG_LEVEL"
    )
    """The least severity that is logged."""
    log_format: Literal["JSON", "TEXT"] = Field(default="JSON", validation_alias="TILTYARD_LOG_FORMAT")
    """One JSON object per line for collectors, or text for people."""
    connect_seconds: int = Field(default=5, ge=1, le=60, validation_alias="TILTYARD_DATABASE_CONNECT_SECONDS")
    """How long a process waits for a new database connection."""
    statement_seconds: int = Field(default=300, ge=1, le=86_400, validation_alias="TILTYARD_DATABASE_STATEMENT_SECONDS")
    """After how long the database cancels one statement of console or worker."""
    retention_days: int = Field(default=400, ge=30, le=4_000, validation_alias="TILTYARD_RETENTION_DAYS")
    """How many days of event log and outcomes are kept."""
    feed_hosts: Names = Field(default=(), validation_alias="TILTYARD_FEED_HOSTS")
    """Hosts that CSV feeds may be fetched from though they are not in the open net."""
    training_memory_mb: int = Field(default=4_096, ge=256, le=1_048_576, validation_alias="TILTYARD_TRAINING_MEMORY_MB")
    """How many MiB a worker may hold while it trains; a training that needs more fails and says so."""

    @field_validator("secret_key")
    @classmethod
    def _secret_enough(cls, value: SecretStr, info: ValidationInfo) -> SecretStr:
        secret = value.get_secret_value()
        if info.data.get("debug", False):
            return value
        if any(word in secret.lower() for word in DEFAULT_SECRETS):
            raise ValueError("is a default that everybody knows; DEBUG=0 needs a random one")
        if len(secret) < SHORTEST_SECRET:
            raise ValueError(f"has {len(secret)} characters; DEBUG=0 needs {SHORTEST_SECRET} random ones")
        if len(set(secret)) < FEWEST_DIFFERENT_CHARACTERS:
            raise ValueError("repeats a few characters; DEBUG=0 needs a random one")
        return value

    @field_validator("database_url")
    @classmethod
    def _is_postgres(cls, value: str) -> str:
        return _address(value, schemes=("postgresql", "postgres"), path_needed="the name of the database")

    @field_validator("redis_url")
    @classmethod
    def _is_redis(cls, value: str) -> str:
        return _address(value, schemes=("redis", "rediss"), path_needed=None)

    @field_validator("console_url")
    @classmethod
    def _is_web_address(cls, value: str) -> str:
        return _address(value, schemes=("http", "https"), path_needed=None).rstrip("/")

    @field_validator("allowed_hosts", "csrf_trusted_origins", "feed_hosts", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value

    @field_validator("allowed_hosts")
    @classmethod
    def _no_wildcard(cls, value: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        if not value:
            raise ValueError("is empty, so the console would refuse every request")
        if "*" in value and not info.data.get("debug", False):
            raise ValueError("allows every name, so a forged Host header would be believed")
        return value

    @field_validator("csrf_trusted_origins")
    @classmethod
    def _have_schemes(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        bare = [origin for origin in value if "://" not in origin]
        if bare:
            raise ValueError(f"lacks the scheme in {', '.join(bare)}")
        return value

    @field_validator("state_directory")
    @classmethod
    def _absolute(cls, value: Path) -> Path:
        return value.absolute()


def load() -> Environment:
    """Return the checked environment of this process.

    Raises:
        EnvironmentFault: with all faults at once.
    """
    state = Path(os.environ.get("TILTYARD_STATE_DIR") or BASE_DIR / ".tiltyard")
    try:
        return Environment(_env_file=state / "environment")
    except ValidationError as errors:
        faults: dict[str, str] = {}
        for error in errors.errors():
            name = str(error["loc"][0])
            text = "is not set" if error["type"] == "missing" else error["msg"].removeprefix("Value error, ")
            faults.setdefault(name, text)
        raise EnvironmentFault(faults) from None


def _address(value: str, *, schemes: tuple[str, ...], path_needed: str | None) -> str:
    """Return the address unchanged if it has a scheme of the list, a host, a port and the path it needs."""
    parts = urlsplit(value)
    if parts.scheme not in schemes:
        raise ValueError(f"must begin with {' or '.join(f'{scheme}://' for scheme in schemes)}")
    try:
        port = parts.port
    except ValueError:
        raise ValueError("has a port that is no number from 0 to 65535") from None
    if not parts.hostname and port is None and "host=" not in parts.query:
        raise ValueError("names no host")
    if path_needed is not None and not parts.path.strip("/"):
        raise ValueError(f"lacks {path_needed} after the host")
    return value
