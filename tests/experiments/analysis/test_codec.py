import math
from dataclasses import dataclass

import pytest

from experiments.analysis.codec import RecordInvalid, canonical_json, from_dict, sha256, to_dict


@dataclass(frozen=True, slots=True)
class Record:
    b: float
    a: tuple[int, ...] = ()
    name: str = ""


def test_canonical_json__fields__are_sorted_without_spaces():
    assert canonical_json(Record(0.1, (1, 2), "曝光")) == '{"a":[1,2],"b":0.1,"name":"曝光"}'.encode()


def test_canonical_json__not_a_number__is_refused():
    with pytest.raises(ValueError, match="not JSON compliant"):
        canonical_json({"b": math.nan})


def test_to_dict__tuples__become_lists():
    assert to_dict(Record(1.0, (1,))) == {"a": [1], "b": 1.0, "name": ""}


def test_sha256__equal_records__is_equal():
    assert sha256(Record(1.0)) == sha256(Record(1.0)) != sha256(Record(2.0))


def test_from_dict__wrong_type__names_the_place():
    with pytest.raises(RecordInvalid) as caught:
        from_dict(Record, {"b": 1.0, "a": [1, "x"]})
    assert caught.value.message == "Record: Expected `int`, got `str` - at `$.a[1]`"


def test_from_dict__not_a_dictionary__is_refused():
    with pytest.raises(RecordInvalid, match="schema: None is not one of 1"):
        from_dict(Record, [], readable_schemas=(1,))
