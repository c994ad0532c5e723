"""Exposures of a campaign, ready to be sent: lines of JSON, each the body of one `POST /v1/batch`."""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, TextIO

from experiments.assignment.bulk_table import AssignmentColumn, UnitTable
from experiments.vocabulary import UnitKind
from foundation.errors import DomainError

EVENT = "Experiment Viewed"
MOST_MESSAGES = 500
"""Messages in a line."""

_FIELDS: Mapping[str, str] = {UnitKind.VISITOR.value: "anonymousId", UnitKind.CUSTOMER.value: "userId"}


class ExposuresUnavailable(DomainError):
    """Messages cannot be written for units of this kind."""

    code = "EXPOSURES_UNAVAILABLE"
    hint = "Articles, stores and sessions are met in the storefront, which sends the exposure itself."


class ExposureLines:
    """Writes the exposures of tables, one after another, to a stream. `messages` counts them.

    Each message has the attributes that the unit was assigned with, so that the edge can compute the assignment
    again, and an id that is the same for the same unit, experiment and epoch, so that sending twice changes nothing.
    """

    def __init__(self, stream: TextIO, unit_kind: str, at: datetime) -> None:
        """Begin. Raises ExposuresUnavailable for units that are neither visitors nor customers."""
        if unit_kind not in _FIELDS:
            raise ExposuresUnavailable(f"Exposures are written for visitors and customers, not for {unit_kind} units.")
        self.messages = 0
        self._stream = stream
        self._kind = unit_kind
        self._at = at.astimezone(UTC).isoformat().replace("+00:00", "Z")
        self._waiting: list[dict[str, Any]] = []

    def write(self, table: UnitTable, columns: Sequence[AssignmentColumn]) -> None:
        """Add the units that an experiment enrols."""
        for column in columns:
            for message in self._messages(table, column):
                self._waiting.append(message)
                self.messages += 1
                if len(self._waiting) == MOST_MESSAGES:
                    self.flush()

    def flush(self) -> None:
        """Write what is waiting; call it at the end."""
        if self._waiting:
            self._stream.write(json.dumps({"batch": self._waiting}, ensure_ascii=False, allow_nan=False) + "\n")
            self._waiting = []

    def _messages(self, table: UnitTable, column: AssignmentColumn) -> Iterator[dict[str, Any]]:
        ids = table.units[self._kind]
        for row, code in enumerate(column.codes.tolist()):
            answer = column.answers[code]
            if answer.enrolled:
                unit = str(ids[row])
                held = {name: values[row] for name, values in table.attributes.items() if values[row] is not None}
                yield {
                    "type": "track",
                    "messageId": _message_id(answer.experiment_id, answer.epoch, unit),
                    _FIELDS[self._kind]: unit,
                    "event": EVENT,
                    "timestamp": self._at,
                    "properties": {
                        "experiment": answer.experiment_key,
                        "variant": answer.variant,
                        "attributes": held,
                    },
                }


def _message_id(experiment_id: int | None, epoch: int, unit: str) -> str:
    return f"exposure-{experiment_id}-{epoch}-{sha256(unit.encode()).hexdigest()[:32]}"
