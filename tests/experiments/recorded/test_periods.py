"""Which covariates may have been counted after units were assigned, by their names."""

import pytest

from experiments.recorded.faults import ManifestInvalid
from experiments.recorded.periods import counts_afterwards
from tests.experiments.recorded.material import make_manifest


@pytest.mark.parametrize("name", ["total ads", "adsSeen", "Impressions", "e-mails_opened", "clicks", "广告曝光次数"])
def test_counts_afterwards__names_of_exposures__are_suspected(name: str):
    assert counts_afterwards(name)


@pytest.mark.parametrize(
    "name",
    ["history", "ads last month", "views_before", "PreClicks", "revenue", "address", "loads", "上月点击"],
)
def test_counts_afterwards__other_names_and_times_before__are_not(name: str):
    assert not counts_afterwards(name)


def outcome(**before: str) -> list[dict[str, object]]:
    return [{"name": "orders", "kind": "count", "column": "orders", "role": "DECISION", "before": before}]


def test_manifest__covariate_that_counts_exposures__is_refused_until_its_time_is_told():
    with pytest.raises(ManifestInvalid, match="'total ads' may have been counted after units were assigned"):
        make_manifest(outcomes=outcome(column="total ads"))
    told = make_manifest(outcomes=outcome(column="total ads", period="the 28 days before the campaign"))
    assert told.outcomes[0].before is not None
    assert told.outcomes[0].before.period == "the 28 days before the campaign"


def test_manifest__rows_are_units_beside_named_units__is_refused():
    with pytest.raises(ManifestInvalid, match="units are named in columns"):
        make_manifest(rows_are_units=True)
    assert make_manifest(rows_are_units=True, columns={"variant": "arm"}).rows_are_units
