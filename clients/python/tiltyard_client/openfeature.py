"""A provider for the OpenFeature SDK that evaluates in process and keeps its values while the server is away.

    api.set_provider_and_wait(TiltyardProvider(Client(Settings(..))))

As over the network, evaluating enrols nobody: `expose` reports that a flag's value was shown.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from openfeature.evaluation_context import EvaluationContext
from openfeature.exception import ErrorCode
from openfeature.flag_evaluation import FlagResolutionDetails, FlagValueType
from openfeature.flag_evaluation import Reason as ProtocolReason
from openfeature.provider import AbstractProvider, Metadata
from openfeature.track import TrackingEventDetails

from experiments.vocabulary import FlagKind, Reason, UnitKind
from tiltyard_client.client import Client
from tiltyard_client.flags import FlagAnswer

SECONDS_TO_START = 1.0
_UNIT_MEMBERS = {"userId": UnitKind.CUSTOMER} | {kind.value: kind for kind in UnitKind if kind is not UnitKind.VISITOR}
_WORDS = {
    Reason.OVERRIDE: ProtocolReason.TARGETING_MATCH,
    Reason.PREVIEW: ProtocolReason.TARGETING_MATCH,
    Reason.NOT_RUNNING: ProtocolReason.DISABLED,
    Reason.ENGINE_ERROR: ProtocolReason.UNKNOWN,
}


class TiltyardProvider(AbstractProvider):
    """Answers from a client's bundle. `targetingKey` is the visitor, `userId` the customer."""

    def __init__(self, client: Client) -> None:
        super().__init__()
        self.client = client

    def get_metadata(self) -> Metadata:
        """Return the provider's name."""
        return Metadata(name="Tiltyard")

    def initialize(self, evaluation_context: EvaluationContext) -> None:  # noqa: ARG002 - the SDK fixes the signature
        """Wait a moment for the first bundle, and start without it where it does not come."""
        self.client.wait_until_ready(SECONDS_TO_START)

    def shutdown(self) -> None:
        """Send what waits and end the background threads."""
        self.client.close()

    def resolve_boolean_details(
        self, flag_key: str, default_value: bool, evaluation_context: EvaluationContext | None = None
    ) -> FlagResolutionDetails[bool]:
        """Return a BOOLEAN flag."""
        return self._resolve(FlagKind.BOOLEAN, flag_key, default_value, evaluation_context)

    def resolve_string_details(
        self, flag_key: str, default_value: str, evaluation_context: EvaluationContext | None = None
    ) -> FlagResolutionDetails[str]:
        """Return a STRING flag."""
        return self._resolve(FlagKind.STRING, flag_key, default_value, evaluation_context)

    def resolve_integer_details(
        self, flag_key: str, default_value: int, evaluation_context: EvaluationContext | None = None
    ) -> FlagResolutionDetails[int]:
        """Return an INTEGER flag."""
        return self._resolve(FlagKind.INTEGER, flag_key, default_value, evaluation_context)

    def resolve_float_details(
        self, flag_key: str, default_value: float, evaluation_context: EvaluationContext | None = None
    ) -> FlagResolutionDetails[float]:
        """Return a FLOAT flag."""
        return self._resolve(FlagKind.FLOAT, flag_key, default_value, evaluation_context)

    def resolve_object_details(
        self,
        flag_key: str,
        default_value: Sequence[FlagValueType] | Mapping[str, FlagValueType],
        evaluation_context: EvaluationContext | None = None,
    ) -> FlagResolutionDetails[Sequence[FlagValueType] | Mapping[str, FlagValueType]]:
        """Return an OBJECT flag."""
        return self._resolve(FlagKind.OBJECT, flag_key, default_value, evaluation_context)

    def expose(self, flag_key: str, evaluation_context: EvaluationContext) -> bool:
        """Report that the flag's value was shown; return whether that enrols and is on its way, or was before."""
        units, attributes, personalised = _read(evaluation_context)
        answer = self.client.flag(flag_key, units, attributes, personalised=personalised)
        if answer is None or answer.assignment is None:
            return False
        return self.client.expose(answer.assignment, units, attributes, personalised=personalised)

    def track(
        self,
        tracking_event_name: str,
        evaluation_context: EvaluationContext | None = None,
        tracking_event_details: TrackingEventDetails | None = None,
    ) -> None:
        """Report an event of the context's units."""
        properties: dict[str, Any] = {}
        if tracking_event_details is not None:
            properties = dict(tracking_event_details.attributes or {})
            if tracking_event_details.value is not None:
                properties["value"] = tracking_event_details.value
        self.client.track(tracking_event_name, _read(evaluation_context)[0], properties)

    def _resolve(
        self, kind: FlagKind, key: str, default: Any, context: EvaluationContext | None
    ) -> FlagResolutionDetails[Any]:
        units, attributes, personalised = _read(context)
        answer = self.client.flag(key, units, attributes, personalised=personalised)
        if answer is None:
            is_ready = self.client.status().version is not None
            code = ErrorCode.FLAG_NOT_FOUND if is_ready else ErrorCode.PROVIDER_NOT_READY
            return _failed(default, code, f"There is no flag {key!r}." if is_ready else "There is no bundle yet.")
        if answer.kind is not kind:
            return _failed(default, ErrorCode.TYPE_MISMATCH, f"Flag {key!r} is of the type {answer.kind}.")
        if _needs_visitor(answer):
            return _failed(default, ErrorCode.TARGETING_KEY_MISSING, "Send the visitor's id as targeting key.")
        return _details(answer)


def _read(context: EvaluationContext | None) -> tuple[dict[str, Any], dict[str, Any], bool]:
    """Return units, attributes and whether personalisation is on, as the server reads the same context."""
    if context is None:
        return {}, {}, True
    attributes: dict[str, Any] = {**context.attributes}
    units = {kind.value: attributes[name] for name, kind in _UNIT_MEMBERS.items() if attributes.get(name)}
    if context.targeting_key:
        attributes["targetingKey"] = units[UnitKind.VISITOR.value] = context.targeting_key
    return units, attributes, attributes.get("personalised") is not False


def _needs_visitor(answer: FlagAnswer) -> bool:
    given = answer.assignment
    return given is not None and given.reason is Reason.UNIT_MISSING and given.unit_kind == UnitKind.VISITOR


def _details(answer: FlagAnswer) -> FlagResolutionDetails[Any]:
    given, variant = answer.assignment, answer.variant
    reason = None if given is None else given.reason
    word = ProtocolReason.SPLIT if variant is not None else ProtocolReason.STATIC
    metadata: dict[str, bool | int | float | str] = {"reason": "NO_EXPERIMENT" if reason is None else reason.value}
    if given is not None:
        metadata["experiment"] = given.experiment_key
        word = _WORDS.get(given.reason, word)
    return FlagResolutionDetails(value=answer.value, reason=word, variant=variant or "default", flag_metadata=metadata)


def _failed(default: Any, code: ErrorCode, message: str) -> FlagResolutionDetails[Any]:
    return FlagResolutionDetails(value=default, reason=ProtocolReason.ERROR, error_code=code, error_message=message)
