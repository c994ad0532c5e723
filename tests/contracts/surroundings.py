"""A bundle in which every route of the edge finds something: two experiments, the decision point and flag `home`."""

from config.local.embedded import Postgres
from decisions.serving.point_reading import LARGEST_SLATE
from tests.config.decision_edges import ARTIFACT, CATALOGUE, RANKED
from tests.decisions.published import (
    ab_point,
    companion,
    decision_content,
    file_record,
    model_record,
    publish,
    publish_files,
    published,
)
from tests.experiments.assignment.builders import experiment


def publish_everything(postgres: Postgres) -> None:
    """Publish the bundle with the files that it names."""
    publish_files(postgres.url, CATALOGUE, ARTIFACT)
    parts = {
        "points": [ab_point(RANKED, largest_slate=LARGEST_SLATE)],
        "models": [model_record(12, ARTIFACT)],
        "catalogue": file_record(CATALOGUE),
    }
    content = decision_content(experiment(1), experiment(2, unit_kind="customer"), **parts)
    flag = {"key": "home", "kind": "STRING", "layer": None, "default": "as today"}
    publish(postgres.url, published(content | {"schema": 3, "flags": [flag]}, companion()))
