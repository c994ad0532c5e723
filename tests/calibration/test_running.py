"""A run: the same on any number of processes, and refused where it makes no sense."""

import numpy as np
import pytest

from experiments.calibration.encoding import to_plain
from experiments.calibration.records import Effort
from experiments.calibration.running import CalibrationInvalid, Order, block_generator, run
from experiments.calibration.studies.catalogue import all_studies, named

QUICK = ("winners-curse", "false-discovery")


def outcome(**order):
    lines = []
    found = run(named(all_studies(), QUICK), Order(replicates=60, **order), lambda each, over: lines.append(over))
    return found, lines


def test_run__one_process_or_two__gives_the_same_results():
    alone, lines = outcome(processes=1)
    shared, _ = outcome(processes=2)
    assert to_plain(alone, Order()) == to_plain(shared, Order())
    assert lines[-1] == pytest.approx(1.0)
    assert [study.name for study in alone] == ["false-discovery", "winners-curse"]


def test_run__another_seed__gives_other_results():
    first, second = outcome(seed=1)[0], outcome(seed=2)[0]
    assert to_plain(first, Order()) != to_plain(second, Order())


def test_run__the_reduced_effort__leaves_out_what_is_too_long():
    studies = named(all_studies(), ["many-looks"])
    kept = [setting.name for study in studies for setting in study.settings if Order().of(setting)]
    every = [s.name for study in studies for s in study.settings if Order(effort=Effort.FULL).of(s)]
    assert "conversion, 100 looks, group sequential" not in kept
    assert set(kept) < set(every)


def test_block_generator__of_another_block_or_setting__draws_other_numbers():
    drawn = {
        block_generator(*words).integers(0, 2**63)
        for words in ((1, "a", "b", 0), (1, "a", "b", 1), (1, "a", "c", 0), (1, "b", "b", 0), (2, "a", "b", 0))
    }
    assert len(drawn) == 5
    again = [block_generator(1, "a", "b", 0).normal(size=3) for _ in range(2)]
    assert np.array_equal(again[0], again[1])


@pytest.mark.parametrize("wrong", [{"processes": 0}, {"replicates": 0}, {"seed": -1}])
def test_order__that_cannot_be__is_refused(wrong):
    with pytest.raises(CalibrationInvalid):
        Order(**wrong)


def test_named__an_unknown_study__is_refused_with_the_known_ones():
    with pytest.raises(CalibrationInvalid, match="winners-curse"):
        named(all_studies(), ["no-such-study"])


def test_catalogue__names_and_settings__are_distinct():
    studies = all_studies()
    assert len({study.name for study in studies}) == len(studies)
    for study in studies:
        assert len({setting.name for setting in study.settings}) == len(study.settings)
        assert bool(study.settings) is not bool(study.skipped)
