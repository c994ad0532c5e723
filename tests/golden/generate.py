"""Write tests/golden/assignment.json from the naive reference: python -m tests.golden.generate

The file is a promise to every client and every past assignment: it may be extended, never changed.
"""

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tests.golden import reference, vectors

PATH = Path(__file__).with_name("assignment.json")
COUNT = 10_000
MILLION = 1_000_000
SALT = "golden-slots-salt-0001"
PURPOSES = ("layer", "coverage", "variant", "holdout")
REASONS = (
    "HOLDOUT",
    "LAYER_TAKEN",
    "AUDIENCE",
    "COVERAGE",
    "ARM_CLOSED",
    "UNIT_MISSING",
    "UNIT_INVALID",
    "NOT_RUNNING",
)
SPECIAL: list[Any] = [
    "0",
    "42",
    " ",
    "a",
    "trailing space ",
    " leading space",
    "tab\tand\nnewline",
    "caf\u00e9",
    "cafe\u0301",
    "\u212b",
    "\u00c5",
    "顾客",
    "ユーザー",
    "사용자",
    "😀",
    "👨‍👩‍👧‍👦",
    "مستخدم",
    "\ufeffbom",
    "NaN",
    "null",
    "é" * 100,
    {"repeat": ["x", 10_240]},
    {"repeat": ["é", 5_120]},
    {"repeat": ["😀", 2_560]},
    {"repeat": ["x", 10_241]},
    {"repeat": ["é", 5_121]},
    "",
    None,
    42,
    42.5,
    True,
    ["a"],
    "nul\u0000inside",
    "lone \ud800 surrogate",
    "\udc00",
]


def _variant(key: str, weight: int, ranges: list[list[int]], state: str = "OPEN") -> dict[str, Any]:
    return {
        "key": key,
        "control": key == "control",
        "state": state,
        "weight": weight,
        "ranges": ranges,
        "parameters": {"arm": key},
    }


def _experiment(identity: int, key: str, variants: list[dict[str, Any]], **changes: Any) -> dict[str, Any]:
    return {
        "id": identity,
        "key": key,
        "status": "RUNNING",
        "salt": f"golden-{key}-salt",
        "unit_kind": "visitor",
        "layer": None,
        "layer_ranges": [],
        "holdout": None,
        "audience": None,
        "coverage": 1_000_000,
        "epoch": 1,
        "epoch_opened_at": "2026-01-01T00:00:00Z",
        "personalised": False,
        "variants": variants,
        "overrides": {},
    } | changes


def content() -> dict[str, Any]:
    """Return the bundle of the vectors: every step of assignment is met by some experiment."""
    half = [_variant("control", 500_000, [[0, 500_000]]), _variant("treatment", 500_000, [[500_000, 1_000_000]])]
    three = [
        _variant("control", 333_334, [[0, 333_334]]),
        _variant("blue", 333_333, [[333_334, 500_000], [900_000, 1_000_000], [600_000, 666_667]]),
        _variant("red", 333_333, [[500_000, 600_000], [666_667, 900_000]]),
    ]
    closed = [
        _variant("control", 100_000, [[0, 100_000]]),
        _variant("open", 450_000, [[100_000, 550_000]]),
        _variant("closed", 450_000, [[550_000, 1_000_000]], "CLOSED"),
    ]
    german = {
        "all": [
            {"attribute": "country", "op": "eq", "value": "DE"},
            {
                "any": [
                    {"attribute": "orders", "op": "gte", "value": 5},
                    {"attribute": "orders", "op": "lt", "value": 2},
                ]
            },
        ]
    }
    return {
        "schema": 1,
        "project": {"id": 1, "key": "golden"},
        "version": 1,
        "holdouts": [
            {"id": 1, "key": "tenth", "salt": "golden-holdout-salt", "unit_kind": "visitor", "share": 100_000}
        ],
        "layers": [{"id": 1, "key": "checkout", "salt": "golden-layer-salt"}],
        "experiments": [
            _experiment(1, "plain", half),
            _experiment(2, "layered", three, layer=1, layer_ranges=[[0, 300_000], [800_000, 1_000_000]]),
            _experiment(3, "neighbour", half, layer=1, layer_ranges=[[300_000, 800_000]], holdout=1),
            _experiment(4, "ramped", three, coverage=200_000, holdout=1),
            _experiment(5, "german", half, audience=german),
            _experiment(6, "closing", closed),
            _experiment(7, "paused", half, status="PAUSED"),
        ],
    }


def outcomes(bundle: dict[str, Any], numbers: Iterable[int]) -> dict[str, str]:
    """Return, for each experiment, one character for each vector."""
    codes: dict[str, list[str]] = {experiment["key"]: [] for experiment in bundle["experiments"]}
    for number in numbers:
        units, attributes = {"visitor": vectors.unit_id(number)}, vectors.attributes(number)
        for experiment in bundle["experiments"]:
            codes[experiment["key"]].append(_code(bundle, experiment, units, attributes))
    return {key: "".join(found) for key, found in codes.items()}


def _code(bundle: dict[str, Any], experiment: dict[str, Any], units: dict[str, Any], attributes: dict[str, Any]) -> str:
    reason, variant, _ = reference.answer(bundle, experiment, units, attributes)
    return vectors.code(reason, variant, [arm["key"] for arm in experiment["variants"]], REASONS)


def _special(bundle: dict[str, Any]) -> list[dict[str, Any]]:
    found = []
    for entry in SPECIAL:
        unit = vectors.special_id(entry)
        codes = "".join(_code(bundle, experiment, {"visitor": unit}, {}) for experiment in bundle["experiments"])
        valid = reference.unit_fault(unit) is None
        slots = [reference.slot(SALT, purpose, unit) for purpose in PURPOSES] if valid else None
        found.append({"id": entry, "codes": codes, "slots": slots})
    return found


def main() -> None:
    """Write the file."""
    bundle = content()
    million = hashlib.sha256()
    for start in range(0, MILLION, COUNT):
        for key, codes in outcomes(bundle, range(start, start + COUNT)).items():
            million.update(f"{key}:{codes}\n".encode())
    slots = {purpose: [reference.slot(SALT, purpose, vectors.unit_id(n)) for n in range(COUNT)] for purpose in PURPOSES}
    document = {
        "format": 1,
        "hash": "xxh3_64(salt + '.' + purpose + '.' + unit, UTF-8) mod 1000000",
        "codes": "a, b, c: the variant drawn, in the bundle's order; a digit: the reason, in the order of `reasons`",
        "templates": vectors.TEMPLATES,
        "unit_id": "templates[n mod 10] with {h} = n * 2654435761 mod 2**32 as eight hexadecimal digits",
        "attributes": "country DE, CN, absent for n mod 3 = 0, 1, 2; orders = n mod 7; none for special ids",
        "reasons": REASONS,
        "at": "2026-06-01T00:00:00Z",
        "bundle": bundle,
        "special": _special(bundle),
        "slots": {"salt": SALT, **slots},
        "outcomes": outcomes(bundle, range(COUNT)),
        "million": {
            "sha256": million.hexdigest(),
            "of": "for each 10 000 vectors, for each experiment: key, ':', its codes, newline",
        },
    }
    PATH.write_text(json.dumps(document, separators=(",", ":"), ensure_ascii=True) + "\n", encoding="ascii")


if __name__ == "__main__":
    main()
