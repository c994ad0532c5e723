import json

from decisions.ingest.notes import LONGEST_EXAMPLE, Notes, example_of, examples_of
from decisions.vocabulary import IntakeKind
from tests.decisions.published import message, raws


def test_example__ids_and_unknown_properties__are_told_by_their_type_alone() -> None:
    (raw,) = raws(
        message(
            anonymousId="visitor-secret",
            userId="someone@example.org",
            properties={"product_id": "p-1", "email": "someone@example.org", "session_id": "s-9", "price": 5},
            context={"ip": "10.0.0.1"},
        )
    )

    text = example_of(raw)

    assert "secret" not in text
    assert "someone" not in text
    assert "10.0.0.1" not in text
    assert "s-9" not in text
    shown = json.loads(text)
    assert shown["anonymous_id"] == "text of 14 characters"
    assert shown["properties"] == {
        "product_id": "p-1",
        "email": "text of 19 characters",
        "session_id": "text of 3 characters",
        "price": 5,
    }


def test_example__whatever_was_sent__is_storable_and_short() -> None:
    bodies = [
        b"NaN",
        b"[" * 2_000,
        *raws(message(event="\0" * 300, properties={f"name-{n}\0": "x" * 400 for n in range(200)})),
        *raws(message(properties={"coupon": "用" * 500, "query": "用" * 500, "category": "用" * 500})),
        *raws(message(traits={"a": [1] * 5_000}, properties=[])),
    ]

    for body in bodies:
        text = example_of(body)
        assert len(text.encode()) <= LONGEST_EXAMPLE
        assert "\\u0000" not in text
        json.loads(text)


def test_examples__of_what_was_told_before__are_left_out() -> None:
    notes = Notes()
    notes.add(IntakeKind.REJECTED, 0, "MALFORMED")
    notes.add(IntakeKind.REJECTED, 1, "MALFORMED", count=3)
    told: set[tuple[IntakeKind, str]] = set()

    assert notes.counts == {(IntakeKind.REJECTED, "MALFORMED"): 4}
    assert examples_of(notes, [b"12345", b"1"], told) == {(IntakeKind.REJECTED, "MALFORMED"): '{"bytes":5}'}
    assert examples_of(notes, [b"12345", b"1"], told) == {}
