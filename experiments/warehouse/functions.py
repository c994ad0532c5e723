"""Functions that the databases have and Ibis does not name. Only their signatures are given here."""

from typing import Final

import ibis
from ibis.expr import datatypes as dt
from ibis.expr.types import Value


def _of_two(first: Value, second: Value) -> Value:
    raise NotImplementedError("The database computes it.")


def _of_one(first: Value) -> Value:
    raise NotImplementedError("The database computes it.")


_builtin = ibis.udf.scalar.builtin
MEMBER: Final = _builtin(
    _of_two, name="jsonb_extract_path_text", signature=((dt.JSON(binary=True), dt.string), dt.string)
)
"""A member of a document, as text."""
DIGEST: Final = _builtin(_of_one, name="md5", signature=((dt.string,), dt.string))
"""A digest of a text, which every collation sorts alike."""
LOCAL_TIME: Final = _builtin(
    _of_two, name="timezone", signature=((dt.string, dt.Timestamp(timezone="UTC")), dt.timestamp)
)
"""The time on the clocks of a zone, at a moment."""
