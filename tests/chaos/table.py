"""Every promise about assignment (A) and events (E), in the order of the table that `bin/chaos` prints."""

from tests.chaos.promises import Promise
from tests.chaos.steps import (
    clients,
    durability,
    kill_switch,
    model_arm,
    outages,
    overload,
    poison,
    replay,
    retention,
    speed,
)

_ENGINE = "tests/experiments/assignment/test_engine_properties.py"
_BUCKETS = "tests/experiments/assignment/test_bucketing.py"
_GOLDEN = "tests/golden/test_assignment.py"
_PROJECTION = "tests/decisions/actions/test_projection.py"
_STAMPS = "tests/decisions/ingest/test_timestamps.py"

PROMISES = (
    Promise(
        "A1",
        "The same unit under the same configuration gets the same arm, in every client",
        "0 mismatches in 1,000,000 golden vectors",
        "golden vectors, read by each client; any order of attributes",
        tests=(
            _GOLDEN,
            f"{_ENGINE}::test_assign__attributes_in_any_order__gives_the_same_answer",
            "tests/golden/test_bulk.py",
            "tests/clients/python/test_package.py",
            "tests/clients/javascript/test_engine.py",
        ),
    ),
    Promise(
        "A2",
        "Allocation is fair, and layers are independent",
        "χ² p > 0.001; no unit in two experiments of a layer",
        "twenty salts, pairs of layers, fixed seeds",
        tests=(
            f"{_BUCKETS}::test_draw_slot__twenty_salts__each_fills_all_parts_evenly",
            f"{_BUCKETS}::test_draw_slot__any_two_purposes_or_salts__are_independent",
            f"{_ENGINE}::test_layer__experiments_that_share_it__never_share_a_unit_and_leave_none_out",
            f"{_ENGINE}::test_layers__two_of_them__split_independently",
            f"{_ENGINE}::test_coverage__a_fifth__takes_a_fifth_and_splits_it_as_planned",
        ),
    ),
    Promise(
        "A3",
        "Ramping up never moves a unit to another arm",
        "0 moved over any path of coverage and weights",
        "paths drawn by Hypothesis",
        tests=(
            f"{_ENGINE}::test_ramp__any_path_of_coverage__adds_or_drops_units_and_moves_none",
            f"{_ENGINE}::test_ramp__arm_opened_or_closed__moves_no_unit_between_arms",
            f"{_ENGINE}::test_sticky__weights_changed_under_known_units__moves_none_of_them",
        ),
    ),
    Promise(
        "A4",
        "A unit keeps its arm from anonymous to logged in",
        "0 switches; the first exposure wins, conflicts are flagged",
        "ten thousand merges, links in any order, exposures before and after",
        tests=(
            "tests/experiments/assignment/test_links.py",
            "tests/decisions/actions/test_identity.py",
            "tests/decisions/actions/test_remembering.py",
        ),
    ),
    Promise(
        "A5",
        "Evaluation goes on without Postgres",
        "100 % answered 200, the same answers",
        "Postgres stopped at once under 50 requests a second, two processes",
        step=outages.without_postgres,
    ),
    Promise(
        "A6",
        "Evaluation goes on without Redis",
        "100 % answered 200, the same assignments",
        "kill -9; then a proxy that falls silent with the connections open",
        step=outages.without_redis,
    ),
    Promise(
        "A7",
        "A process starts with both servers down",
        "ready in 5 s† from the last-known-good file; a damaged file is never a 500",
        "started with ports closed; one byte flipped",
        step=outages.cold_start,
    ),
    Promise(
        "A8",
        "Assignments are quick",
        "p50 3 ms†, p99 25 ms† at 200 requests a second, 50 experiments",
        "open model: latency counts from the scheduled moment",
        step=speed.latency,
    ),
    Promise(
        "A9",
        "The kill switch works",
        "every process within 5 s, in every trial",
        "paused and resumed by the real actions, published by the real worker",
        step=kill_switch.propagation,
    ),
    Promise(
        "A10",
        "A model can never harm availability",
        "0 not answered 200; the baseline after 30 ms†; the circuit opens after 5 failures",
        "a predictor that hangs, raises, gives NaN or a wrong shape",
        step=model_arm.misbehaving_models,
    ),
    Promise(
        "A11",
        "A bad configuration cannot be published",
        "every mutated configuration refused; the last good one stays live",
        "five hundred mutations, compiled and tried before the version changes",
        tests=(
            "tests/decisions/actions/test_publishing_refusals.py",
            "tests/decisions/serving/test_selftest.py",
            "tests/experiments/assignment/test_compiler.py",
        ),
    ),
    Promise(
        "A12",
        "Clients survive the server",
        "the web client keeps its values; the Python provider gives the code's default within 1 s†",
        "the official packages, the server killed and started again",
        step=clients.survival,
    ),
    Promise(
        "E1",
        "What was answered 2xx is stored",
        "0 lost",
        "kill -9 of a random process every 5 s, Postgres stopped at once; histories of all clients examined",
        step=durability.durability,
    ),
    Promise(
        "E2",
        "Retries never count twice",
        "0 duplicates over the whole retention",
        "the whole log sent twice more, shuffled, zipped and plain",
        step=replay.retries,
    ),
    Promise(
        "E3",
        "Late events are used and visible",
        "figures equal to those of events in order",
        "events in every order of arrival; looks that late events touch",
        tests=(_PROJECTION, "tests/decisions/actions/test_stale_looks.py"),
    ),
    Promise(
        "E4",
        "Wrong clocks of clients are corrected",
        "a day of skew leaves no more than the round trip; far future is quarantined",
        "table of skews",
        tests=(_STAMPS, "tests/decisions/ingest/test_intake.py"),
    ),
    Promise(
        "E5",
        "Nothing vanishes silently",
        "accepted + quarantined + refused = received",
        "answers, counters, log and evidence compared",
        step=replay.accounting,
    ),
    Promise(
        "E6",
        "A poisonous message is isolated",
        "999 of 1,000 stored, the other one refused with place and reason",
        "eight poisons, each in a batch of a thousand",
        step=poison.isolation,
    ),
    Promise(
        "E7",
        "Overload pushes back",
        "429 or 503 with Retry-After; memory +100 MB† at most; assignments' p99 below twice",
        "ten times as many senders as one process has connections; assignments of the process beside it",
        step=overload.back_pressure,
    ),
    Promise(
        "E8",
        "Retention never stands in the way",
        "old days gone; no writer waits longer than 200 ms for a lock",
        "two weeks of old days dropped while events are sent, waits for locks sampled",
        step=retention.dropping,
    ),
)
