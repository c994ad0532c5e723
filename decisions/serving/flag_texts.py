"""The JSON of flags as far as it does not depend on the unit: rendered once, kept with the bundle.

A head ends inside the flag's metadata; what is appended is the decision that it belongs to.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import chain
from typing import NamedTuple

import msgspec

from decisions.serving.bundle import LiveBundle
from decisions.serving.known import VISITOR
from decisions.serving.token import token_head
from experiments.assignment.flags import serves_variant, value_of
from experiments.assignment.snapshot import Answer, Flag
from experiments.vocabulary import Reason

DEFAULT_VARIANT = "default"
NO_EXPERIMENT = "NO_EXPERIMENT"
"""The true reason of a flag that no experiment sets."""
KEY_MISSING = "TARGETING_KEY_MISSING"
KEY_MISSING_DETAILS = "An experiment on visitors sets this flag: send the visitor's id as targetingKey of the context."

_encode = msgspec.json.Encoder().encode

_REASONS = {
    Reason.OVERRIDE: "TARGETING_MATCH",
    Reason.PREVIEW: "TARGETING_MATCH",
    Reason.NOT_RUNNING: "DISABLED",
    Reason.ENGINE_ERROR: "UNKNOWN",
}
"""The protocol's word where a variant was not drawn; STATIC for everything else that leaves the default."""


class Gift(NamedTuple):
    """What an answer gives: the heads of the flags that its experiment alone can set, and how its token entry begins.

    `shared` are the flags that other experiments of the layer can set too.
    """

    heads: Sequence[str]
    token_head: tuple[object, ...] | None
    shared: Sequence[Flag]


_NOTHING = Gift((), None, ())


class FlagBook:
    """The flags of one bundle, laid out for answering. Filled as answers are first given; safe to share by threads."""

    def __init__(self, bundle: LiveBundle) -> None:
        self.snapshot = bundle.snapshot
        self.flags = bundle.snapshot.flags
        self.tag_part = f"{bundle.version}:{bundle.text.sha256}".encode()
        self.version = bundle.version
        self._setters = tuple({e.id: e for flag in self.flags.values() for e in flag.setters}.values())
        self._flags_of: dict[int, list[Flag]] = {e.id: [] for e in self._setters}
        for flag in self.flags.values():
            for experiment in flag.setters:
                self._flags_of[experiment.id].append(flag)
        self.sole = tuple(flag for flag in self.flags.values() if len(flag.setters) == 1)
        self.shared = tuple(flag for flag in self.flags.values() if len(flag.setters) > 1)
        self._last_opening = max((e.epoch_opened_at for e in self._setters), default=None)
        self._timed = tuple(e for e in self._setters if e.periods is not None)
        self._gifts: dict[Answer, Gift] = {}
        self._heads: dict[tuple[str, Answer | None], str] = {}
        self.static = tuple(self.head(flag, None) for flag in self.flags.values() if not flag.setters)
        """The heads of the flags that nothing can set now."""

    def gift(self, answer: Answer) -> Gift:
        """Return what an answer gives the flags."""
        found = self._gifts.get(answer)
        if found is None:
            found = self._gift(answer)
            if answer.experiment_id is not None:  # Answers about unknown experiments are made anew each time.
                self._gifts[answer] = found
        return found

    def head(self, flag: Flag, answer: Answer | None) -> str:
        """Return the JSON of a flag up to its decision; None where no experiment has a claim."""
        found = self._heads.get((flag.key, answer))
        if found is None:
            nobody = Reason.LAYER_TAKEN if flag.setters else NO_EXPERIMENT
            found = self._render(flag, answer, nobody if answer is None else answer.reason)
            self._heads[flag.key, answer] = found
        return found

    def failed(self, flag: Flag) -> str:
        """Return the JSON of a flag whose evaluation failed, up to its decision."""
        return self._render(flag, None, Reason.ENGINE_ERROR)

    def clock_part(self, at: datetime) -> bytes:
        """Return all of a moment that flags depend on: the epochs that have opened, and the period with its burn-in."""
        parts: Iterable[object] = ()
        if self._last_opening is not None and at < self._last_opening:
            parts = (int(e.epoch_opened_at <= at) for e in self._setters)
        if self._timed:
            cells = ((p, p.index(at)) for e in self._timed if (p := e.periods) is not None)
            parts = chain(parts, (f"{index}:{at >= p.counts_from(index)}" for p, index in cells))
        return ",".join(map(str, parts)).encode() if parts else b""

    def _gift(self, answer: Answer) -> Gift:
        flags = self._flags_of.get(answer.experiment_id or 0, ())
        if not flags:
            return _NOTHING
        sole = [flag for flag in flags if len(flag.setters) == 1]
        taken = answer.reason is Reason.LAYER_TAKEN
        heads = tuple(self.head(flag, None if taken else answer) for flag in sole)
        return Gift(heads, token_head(answer), tuple(flag for flag in flags if len(flag.setters) > 1))

    def _render(self, flag: Flag, answer: Answer | None, reason: str) -> str:
        key = _json(flag.key)
        metadata = f'"metadata":{{"reason":"{reason}"'
        if answer is not None:
            metadata += f',"experiment":{_json(answer.experiment_key)}'
        if answer is None or not serves_variant(answer):
            end = f'{metadata},"bundle_version":{self.version}'
            if answer is not None and reason == Reason.UNIT_MISSING and answer.unit_kind == VISITOR:
                return f'{{"key":{key},"errorCode":"{KEY_MISSING}","errorDetails":{_json(KEY_MISSING_DETAILS)},{end}'
            word = _REASONS.get(Reason(reason), "STATIC") if reason != NO_EXPERIMENT else "STATIC"
            return f'{{"key":{key},"value":{flag.default},"variant":"{DEFAULT_VARIANT}","reason":"{word}",{end}'
        word = _REASONS.get(answer.reason, "SPLIT")
        return (
            f'{{"key":{key},"value":{value_of(flag, answer)},"variant":{_json(answer.variant)},"reason":"{word}",'
            f'{metadata},"epoch":{answer.epoch},"probability":{answer.probability!r},"bundle_version":{self.version}'
        )


def is_failure(head: str) -> bool:
    """Return whether a head tells of an error instead of a value."""
    return f'"errorCode":"{KEY_MISSING}"' in head


def _json(value: object) -> str:
    return _encode(value).decode()
