from datetime import timedelta
from pathlib import Path

import pytest

from decisions.serving.breaker import BreakerPolicy
from decisions.serving.heartbeat import EdgeRole
from decisions.serving.limits import LimitPolicy
from decisions.serving.settings import EdgeSettingsInvalid, edge_settings


def test_edge_settings__empty_environment__serves_from_the_file_of_the_clone() -> None:
    settings = edge_settings({})

    assert (settings.database_url, settings.redis_url) == (None, None)
    assert settings.state_directory.name == ".tiltyard"
    assert (settings.poll_seconds, settings.role) == (2.0, EdgeRole.EDGE)
    assert settings.token_age == timedelta(days=400)


def test_edge_settings__variables__are_read(tmp_path: Path) -> None:
    settings = edge_settings(
        {
            "DATABASE_URL": "postgresql://u:p@h/d",
            "REDIS_URL": "rediss://h/1",
            "TILTYARD_STATE_DIR": str(tmp_path),
            "TILTYARD_EDGE_POLL_SECONDS": "0.5",
            "TILTYARD_EDGE_CONNECTIONS": "7",
            "TILTYARD_EDGE_FEATURE_MS": "35",
            "TILTYARD_EDGE_SPOOL_MB": "0.5",
            "TILTYARD_EDGE_WORKERS": "3",
            "TILTYARD_EDGE_ROLE": "intake",
            "TILTYARD_EDGE_BREAKER_FAILURES": "2",
            "TILTYARD_EDGE_BREAKER_WITHIN_SECONDS": "4",
            "TILTYARD_EDGE_BREAKER_REST_SECONDS": "0.5",
            "TILTYARD_EDGE_REQUEST_RATE": "20",
            "TILTYARD_EDGE_EVENT_RATE": "100",
            "TILTYARD_EDGE_EVENT_MB_RATE": "0.5",
        }
    )

    assert (settings.database_url, settings.redis_url) == ("postgresql://u:p@h/d", "rediss://h/1")
    assert (settings.state_directory, settings.poll_seconds, settings.connections) == (tmp_path, 0.5, 7)
    assert (settings.feature_seconds, settings.spool_bytes) == (0.035, 500_000)
    assert (settings.workers, settings.role) == (3, EdgeRole.INTAKE)
    assert settings.breaker == BreakerPolicy(failures=2, within=4.0, rest=0.5)
    assert settings.requests == LimitPolicy("requests", 20.0, 200.0)
    assert settings.events == LimitPolicy("events", 100.0, 1_000.0)
    assert settings.ingest_bytes == LimitPolicy("bytes", 500_000.0, 5_000_000.0)


def test_edge_settings__faults__are_all_named_at_once() -> None:
    with pytest.raises(EdgeSettingsInvalid) as caught:
        edge_settings(
            {
                "DATABASE_URL": "mysql://x",
                "REDIS_URL": "x",
                "TILTYARD_EDGE_POLL_SECONDS": "soon",
                "TILTYARD_EDGE_ROLE": "console",
            }
        )

    for name in ("DATABASE_URL", "REDIS_URL", "TILTYARD_EDGE_POLL_SECONDS", "TILTYARD_EDGE_ROLE"):
        assert name in caught.value.message
