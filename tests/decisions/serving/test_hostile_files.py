"""Hostile model files at the edge: each leaves its version unavailable with its code; the champion goes on serving."""

from dataclasses import replace
from pathlib import Path

from decisions.serving.artifacts import FileCache
from decisions.serving.equipment import Equipment
from decisions.serving.loader import EquipmentLoader
from decisions.serving.points import FileRecord, ModelRecord, Points
from models_registry.artifacts import digest, seal
from tests.decisions.published import catalogue_bytes, file_record, point, popularity_bytes
from tests.decisions.serving.shops import bundle_of, decided, items
from tests.models_registry.hostile import KEY, Specimen, specimens

CHAMPION = 12
HOSTILE = 66


def points_with(specimen: Specimen) -> Points:
    """Return decision points whose champion is as it should be, and that name a hostile version besides."""
    points = bundle_of(at=point(champions=[{"version": CHAMPION, "audience": None, "unit_kind": None}])).points
    good = popularity_bytes()
    champion = replace(points.models[CHAMPION], seal=seal(digest(good), KEY))
    file = FileRecord(specimen.sha, len(specimen.content))
    hostile = ModelRecord(version=HOSTILE, model="home-ranking", number=9, file=file, seal=specimen.sealed)
    return replace(points, models={CHAMPION: champion, HOSTILE: hostile})


def equipped(specimen: Specimen, folder: Path) -> Equipment:
    published = {
        digest(popularity_bytes()): popularity_bytes(),
        file_record(catalogue_bytes())["sha256"]: catalogue_bytes(),
        specimen.sha: specimen.content,
    }
    return EquipmentLoader(FileCache(folder)).equip(points_with(specimen), KEY, published.get)


def test_loader__the_corpus__leaves_the_version_unavailable_and_the_champion_ready(tmp_path: Path):
    canary = tmp_path / "canary"
    wrong = {}
    for number, specimen in enumerate(specimens(canary)):
        found = equipped(specimen, tmp_path / str(number))
        fault = found.faults.get(f"model version {HOSTILE}", "")
        # Bytes that are not those of their name never reach the parser: the files refuse them first.
        codes = (specimen.code, "FILE_DAMAGED") if specimen.code == "ARTIFACT_DAMAGED" else (specimen.code,)
        if not fault.startswith(codes) or {*found.models} != {CHAMPION}:
            wrong[specimen.name] = fault
    assert wrong == {}
    assert not canary.exists()


def test_decisions__beside_a_hostile_version__are_those_of_the_champion(tmp_path: Path):
    specimen = next(iter(specimens(tmp_path / "canary")))
    bundle = bundle_of(at=point(champions=[{"version": CHAMPION, "audience": None, "unit_kind": None}]))
    beside = replace(bundle, points=points_with(specimen), equipment=equipped(specimen, tmp_path))
    assert items(decided(beside)) == items(decided(bundle))
    assert decided(beside).reason == "MODEL"
