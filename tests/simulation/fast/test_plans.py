from collections import Counter
from datetime import UTC, datetime

from experiments.analysis.plan import SequentialMethod
from experiments.assignment.engine import assign
from experiments.vocabulary import MetricRole
from simulation.designs import EXPERIMENTS, HORIZON_DAYS, METRICS
from simulation.fast.plans import plan_of, snapshot_of, spec_of

AT = datetime(2026, 1, 5, tzinfo=UTC)


def test_plan_of__every_design__is_the_products_default_with_a_horizon():
    for design in EXPERIMENTS:
        plan = plan_of(design)
        assert plan.method is SequentialMethod.GROUP_SEQUENTIAL
        assert (plan.alpha, plan.horizon_days, plan.control) == (0.05, HORIZON_DAYS, "control")
        assert plan.treatments == (design.treatment,)
        assert len(plan.metrics_of(MetricRole.DECISION)) == 1
        assert len(plan.metrics_of(MetricRole.GUARDRAIL)) == 1


def test_spec_of__every_metric__counts_within_the_window_of_seven_days():
    assert {spec_of(design.key).window_hours for design in METRICS} == {168}


def test_snapshot_of__experiments__divide_visitors_evenly_and_independently():
    snapshot = snapshot_of(EXPERIMENTS, seed=3, opened_at=AT)
    keys = [design.key for design in EXPERIMENTS]
    drawn = [
        tuple(
            answer.variant == "control" for answer in assign({"visitor": f"v-{n}"}, {}, AT, None, snapshot, keys=keys)
        )
        for n in range(4000)
    ]
    assert len(Counter(drawn)) == 16
    assert all(abs(count - 250) < 4.0 * 15.5 for count in Counter(drawn).values())


def test_snapshot_of__another_seed__divides_differently():
    first, other = (snapshot_of(EXPERIMENTS, seed=seed, opened_at=AT) for seed in (1, 2))
    variants = [
        [assign({"visitor": f"v-{n}"}, {}, AT, None, snapshot, keys=["button-colour"])[0].variant for n in range(200)]
        for snapshot in (first, other)
    ]
    assert variants[0] != variants[1]
