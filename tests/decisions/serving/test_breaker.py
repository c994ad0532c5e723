"""The circuit breaker, by its own account of time."""

from hypothesis import given
from hypothesis import strategies as st

from decisions.serving.breaker import BreakerPolicy, Circuit, CircuitState

POLICY = BreakerPolicy(failures=5, within=10.0, rest=30.0)


def failing(circuit: Circuit, *moments: float) -> None:
    for now in moments:
        ticket = circuit.admit(now)
        assert ticket is not None
        circuit.failed(ticket, now)


def opened(at: float = 4.0) -> Circuit:
    circuit = Circuit(POLICY)
    failing(circuit, *(at - 4 + second for second in range(5)))
    return circuit


def test_circuit__new__is_closed_and_lets_everybody_through() -> None:
    circuit = Circuit(POLICY)

    assert circuit.state is CircuitState.CLOSED
    assert all(circuit.admit(now) is not None for now in (0.0, 0.0, 1.0))


def test_circuit__five_failures_within_ten_seconds__opens() -> None:
    circuit = Circuit(POLICY)
    failing(circuit, 0.0, 2.5, 5.0, 7.5)
    assert circuit.state is CircuitState.CLOSED

    failing(circuit, 10.0)

    assert (circuit.state, circuit.openings) == (CircuitState.OPEN, 1)
    assert circuit.admit(10.1) is None


def test_circuit__five_failures_that_lie_further_apart__stays_closed() -> None:
    circuit = Circuit(POLICY)

    failing(circuit, *(2.6 * number for number in range(100)))

    assert (circuit.state, circuit.openings) == (CircuitState.CLOSED, 0)


def test_circuit__successes_between_failures__do_not_hide_them() -> None:
    circuit = Circuit(POLICY)
    for now in range(5):
        good = circuit.admit(float(now))
        assert good is not None
        circuit.succeeded(good)
        failing(circuit, float(now))

    assert circuit.state is CircuitState.OPEN


def calling(circuit: Circuit, *, times: int, failing_every: int, seconds: float) -> None:
    for number in range(1, times + 1):
        now = seconds * number / times
        ticket = circuit.admit(now)
        if ticket is None:
            return
        if number % failing_every:
            circuit.succeeded(ticket)
        else:
            circuit.failed(ticket, now)


def test_circuit__few_failures_among_many_successes__stays_closed() -> None:
    circuit = Circuit(POLICY)

    calling(circuit, times=100_000, failing_every=50, seconds=100.0)

    assert (circuit.state, circuit.openings) == (CircuitState.CLOSED, 0)


def test_circuit__busy_process_that_pauses__stays_closed_and_opens_when_failures_go_on() -> None:
    circuit = Circuit(POLICY)
    calling(circuit, times=10_000, failing_every=20_000, seconds=10.0)
    failing(circuit, *[10.0] * 4)
    for _ in range(200):
        circuit.succeeded(circuit.admit(10.1) or 0)

    failing(circuit, 10.2)
    assert circuit.openings == 0

    failing(circuit, *[10.3] * 6)
    assert circuit.state is CircuitState.OPEN


def test_circuit__one_call_in_ten_fails__opens() -> None:
    circuit = Circuit(POLICY)

    calling(circuit, times=1_000, failing_every=10, seconds=10.0)

    assert circuit.state is CircuitState.OPEN


def test_circuit__open__lets_exactly_one_probe_through_after_thirty_seconds() -> None:
    circuit = opened(at=4.0)

    assert circuit.admit(33.9) is None
    assert circuit.admit(34.0) is not None
    assert circuit.state is CircuitState.HALF_OPEN
    assert [circuit.admit(now) for now in (34.0, 35.0, 60.0)] == [None] * 3


def test_circuit__probe_that_succeeds__closes_and_forgets_what_was() -> None:
    circuit = opened(at=4.0)
    probe = circuit.admit(34.0)
    assert probe is not None

    circuit.succeeded(probe)

    assert circuit.state is CircuitState.CLOSED
    failing(circuit, 35.0, 35.1, 35.2, 35.3)
    assert circuit.state is CircuitState.CLOSED


def test_circuit__probe_that_fails__opens_for_another_thirty_seconds() -> None:
    circuit = opened(at=4.0)
    probe = circuit.admit(34.0)
    assert probe is not None

    circuit.failed(probe, 36.0)

    assert (circuit.state, circuit.openings) == (CircuitState.OPEN, 2)
    assert circuit.admit(65.9) is None
    assert circuit.admit(66.0) is not None


def test_circuit__probe_that_never_reports__is_followed_by_another() -> None:
    circuit = opened(at=4.0)
    lost = circuit.admit(34.0)
    assert lost is not None

    second = circuit.admit(64.0)

    assert second is not None
    circuit.succeeded(lost)
    after_lost = circuit.state
    circuit.succeeded(second)
    assert (after_lost, circuit.state) == (CircuitState.HALF_OPEN, CircuitState.CLOSED)


def test_circuit__outcomes_of_calls_from_before_it_opened__change_nothing() -> None:
    circuit = Circuit(POLICY)
    early = [circuit.admit(0.0) for _ in range(3)]
    failing(circuit, *[1.0] * 5)

    for ticket in early:
        assert ticket is not None
        circuit.failed(ticket, 2.0)
        circuit.succeeded(ticket)

    assert (circuit.state, circuit.openings) == (CircuitState.OPEN, 1)
    assert circuit.admit(31.0) is not None


@given(st.lists(st.tuples(st.floats(0, 20), st.sampled_from(["good", "bad", "lost"])), max_size=80))
def test_circuit__any_history__never_lets_a_second_caller_through_while_it_is_open(
    steps: list[tuple[float, str]],
) -> None:
    circuit = Circuit(POLICY)
    now = 0.0
    refused_since: float | None = None
    for pause, outcome in steps:
        now += pause
        was = circuit.state
        ticket = circuit.admit(now)
        if ticket is None:
            assert was is not CircuitState.CLOSED
            refused_since = now if refused_since is None else refused_since
            assert now - refused_since < POLICY.rest * (1 + len(steps))
            continue
        refused_since = None
        if was is not CircuitState.CLOSED:
            assert circuit.admit(now) is None
        if outcome == "good":
            circuit.succeeded(ticket)
            assert circuit.state is CircuitState.CLOSED
        elif outcome == "bad":
            circuit.failed(ticket, now)
            assert was is CircuitState.CLOSED or circuit.state is CircuitState.OPEN
