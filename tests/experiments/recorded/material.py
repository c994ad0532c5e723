"""Manifests and data files for tests: one small experiment, and ways to change it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from experiments.recorded.manifest import Manifest
from experiments.recorded.reading import read_manifest
from experiments.recorded.recording import Recording, examine_files, opened_recording

HEADER = "id,arm,page,at,converted,orders,revenue,before,country"
ROWS = (
    "u1,a,old,2024-03-01 10:00:00,0,0,0.00,10.50,US",
    "u2,b,new,2024-03-01 11:00:00,1,2,19.99,,UK",
    "u3,a,old,2024-03-02 10:00:00,1,1,5,0,US",
    "u4,b,new,2024-03-02 11:00:00,0,0,0,3.25,",
)

PLAIN: dict[str, Any] = {
    "schema": 1,
    "project": "shop",
    "experiment": {"key": "button", "name": "Button", "hypothesis": "Blue is seen sooner."},
    "source": "rows",
    "columns": {"unit": "id", "variant": "arm"},
    "variants": [
        {"key": "control", "control": True, "recorded": ["a"]},
        {"key": "treatment", "recorded": ["b"]},
    ],
    "outcomes": [{"name": "conversion", "kind": "binary", "column": "converted", "role": "DECISION"}],
}

FULL_COLUMNS = {"unit": "id", "variant": "arm", "shown": "page", "time": "at"}
FULL_VARIANTS: list[dict[str, Any]] = [
    {"key": "control", "control": True, "recorded": ["a"], "shown": ["old"]},
    {"key": "treatment", "recorded": ["b"], "shown": ["new"]},
]
FULL_OUTCOMES: list[dict[str, Any]] = [
    {"name": "conversion", "kind": "binary", "column": "converted", "role": "DECISION"},
    {"name": "orders", "kind": "count", "column": "orders", "role": "SECONDARY"},
    {"name": "revenue", "kind": "money", "column": "revenue", "role": "SECONDARY", "before": {"column": "before"}},
    {
        "name": "order-value",
        "kind": "ratio",
        "numerator": {"column": "revenue", "kind": "money"},
        "denominator": {"column": "orders"},
        "role": "SECONDARY",
    },
]


def manifest_text(**changes: Any) -> str:
    """Return the YAML of the plain manifest with parts replaced; None takes a part out."""
    parts = {**PLAIN, **changes}
    return yaml.safe_dump({name: part for name, part in parts.items() if part is not None}, sort_keys=False)


def make_manifest(**changes: Any) -> Manifest:
    """Return the plain manifest with parts replaced."""
    return read_manifest(manifest_text(**changes), name="manifest.yaml")


def full_manifest(**changes: Any) -> Manifest:
    """Return a manifest that uses every column of the small data."""
    parts = {"columns": FULL_COLUMNS, "variants": FULL_VARIANTS, "outcomes": FULL_OUTCOMES, "dimensions": ["country"]}
    return make_manifest(**{**parts, **changes})


def write_csv(folder: Path, *rows: str, name: str = "data.csv", header: str = HEADER) -> Path:
    """Write a CSV file and return its path."""
    path = folder / name
    path.write_text("\n".join([header, *rows]) + "\n")
    return path


@contextmanager
def recording_of(manifest: Manifest, *paths: Path) -> Iterator[Recording]:
    """Yield the loaded data; temporary files lie beside the first data file."""
    files = examine_files(manifest, paths)
    with opened_recording(manifest, files, workspaces=paths[0].parent / "work", project_zone="UTC") as recording:
        yield recording
