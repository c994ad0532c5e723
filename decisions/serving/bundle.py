"""A published bundle as an edge process holds it: configuration compiled, secrets unpacked."""

import json
from base64 import b64decode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from types import MappingProxyType
from typing import NamedTuple

from decisions.serving.equipment import NO_EQUIPMENT, Equipment
from decisions.serving.point_reading import compile_points
from decisions.serving.points import Points
from decisions.vocabulary import BundleSource, KeyKind
from experiments.assignment.compiler import compile_snapshot
from experiments.assignment.reading import BundleInvalid, read_integer, read_list, read_object, read_text
from experiments.assignment.snapshot import Answer, Snapshot
from foundation.clock import ClockKind, ProjectClock
from foundation.errors import DomainError

READABLE_COMPANIONS = (1,)
"""The schema that publishers write now, and the one before it where there is one."""

FEWEST_SECRET_BYTES = 16


@dataclass(frozen=True, slots=True)
class PublishedText:
    """A bundle as it is published: texts, and the digest of the content."""

    project_id: int
    version: int
    sha256: str
    content: str
    companion: str


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A key that signs decision tokens, by the name that tokens call it by."""

    kid: str
    secret: bytes


@dataclass(frozen=True, slots=True)
class ApiKey:
    """An API key that is not revoked."""

    id: int
    kind: KeyKind


class Rendered(NamedTuple):
    """An answer as JSON up to the value of its last member, `slots`, and as the beginning of a token's entry."""

    json: str
    token_head: tuple[object, ...] | None


@dataclass(frozen=True, slots=True, eq=False)
class LiveBundle:
    """Everything that an edge process knows of one project.

    The first signing key signs, and has sealed the artifacts; all verify. `api_keys` goes by the hexadecimal SHA-256
    of the key. `rendered` is filled as answers are first given: the parts of response and token that do not depend on
    the unit. `equipment` is what the decision points work with; a bundle just opened has none yet.
    """

    text: PublishedText
    source: BundleSource
    snapshot: Snapshot
    pepper: bytes
    signing_keys: tuple[SigningKey, ...]
    api_keys: Mapping[str, ApiKey]
    clock: ProjectClock
    attributes: frozenset[str]
    currency: str
    rendered: dict[Answer, Rendered]
    points: Points
    equipment: Equipment = NO_EQUIPMENT

    @property
    def project_id(self) -> int:
        return self.snapshot.project_id

    @property
    def version(self) -> int:
        return self.snapshot.version


def open_bundle(text: PublishedText, *, source: BundleSource) -> LiveBundle:
    """Return the bundle that a published text stands for.

    Raises:
        BundleInvalid: the digest differs, or content or companion is malformed; the message names the path.
    """
    if sha256(text.content.encode()).hexdigest() != text.sha256:
        raise BundleInvalid("bundle: the content does not have the digest it was published with.")
    content = _json(text.content, "bundle")
    snapshot = compile_snapshot(content)
    companion = read_object(_json(text.companion, "companion"), "companion")
    if companion.get("schema") not in READABLE_COMPANIONS:
        raise BundleInvalid(f"companion.schema: {companion.get('schema')!r} cannot be read.")
    named = (snapshot.project_id, snapshot.version, read_integer(companion, "project_id", "companion"))
    if named != (text.project_id, text.version, text.project_id):
        raise BundleInvalid("bundle: content, companion and record name different projects or versions.")
    signing_keys = tuple(
        SigningKey(kid=read_text(key, "kid", path), secret=_secret(key, "secret", path))
        for key, path in _objects(companion, "signing_keys")
    )
    if not signing_keys:
        raise BundleInvalid("companion.signing_keys: must have at least one key.")
    return LiveBundle(
        text=text,
        source=source,
        snapshot=snapshot,
        pepper=_secret(companion, "pepper", "companion"),
        signing_keys=signing_keys,
        api_keys=MappingProxyType(dict(_api_key(key, path) for key, path in _objects(companion, "api_keys"))),
        clock=_clock(read_object(companion.get("clock"), "companion.clock")),
        attributes=frozenset(str(name) for name in read_list(companion.get("attributes"), "companion.attributes")),
        currency=read_text(companion, "currency", "companion"),
        rendered={},
        points=compile_points(content, snapshot),
    )


def _json(text: str, path: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BundleInvalid(f"{path}: is not JSON.") from error


def _objects(companion: Mapping[str, object], name: str) -> list[tuple[Mapping[str, object], str]]:
    paths = (
        (entry, f"companion.{name}[{n}]") for n, entry in enumerate(read_list(companion.get(name), f"companion.{name}"))
    )
    return [(read_object(entry, path), path) for entry, path in paths]


def _secret(entry: Mapping[str, object], name: str, path: str) -> bytes:
    try:
        secret = b64decode(read_text(entry, name, path), validate=True)
    except ValueError as error:
        raise BundleInvalid(f"{path}.{name}: is not base64.") from error
    if len(secret) < FEWEST_SECRET_BYTES:
        raise BundleInvalid(f"{path}.{name}: is shorter than {FEWEST_SECRET_BYTES} bytes.")
    return secret


def _api_key(entry: Mapping[str, object], path: str) -> tuple[str, ApiKey]:
    kind = read_text(entry, "kind", path)
    if kind not in _KEY_KINDS:
        raise BundleInvalid(f"{path}.kind: unknown kind {kind!r}.")
    return read_text(entry, "sha256", path), ApiKey(id=read_integer(entry, "id", path), kind=KeyKind(kind))


def _clock(entry: Mapping[str, object]) -> ProjectClock:
    try:
        kind = ClockKind(read_text(entry, "kind", "companion.clock"))
        if kind is ClockKind.REAL:
            return ProjectClock()
        return ProjectClock(
            kind=kind,
            origin=datetime.fromisoformat(read_text(entry, "origin", "companion.clock")),
            speed=float(str(entry.get("speed"))),
            started_at=datetime.fromisoformat(read_text(entry, "started_at", "companion.clock")),
        )
    except BundleInvalid:
        raise
    except (ValueError, DomainError) as error:
        raise BundleInvalid(f"companion.clock: {error}") from error


_KEY_KINDS = tuple(kind.value for kind in KeyKind)
