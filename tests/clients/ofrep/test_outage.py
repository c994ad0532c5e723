"""The edge dies: browsers keep their last values, servers get the defaults of their code at once."""

import time
from collections.abc import Callable
from pathlib import Path

from openfeature.exception import ErrorCode

from tests.clients.ofrep.site import DEFAULTS, FlagSite, NodeClient
from tests.clients.ofrep.test_python_provider import VISITOR, client_of, details


def test_edge_killed__web_keeps_its_values_and_servers_serve_their_defaults_within_a_second(
    make_client: Callable[[str], NodeClient], tmp_path: Path
) -> None:
    site = FlagSite(tmp_path)
    site.start()
    try:
        web, server, python = make_client("web"), make_client("server"), client_of(site)
        for client in (web, server):
            client.ask("context", context={"targetingKey": "v-1", "country": "DE", "userId": "c-1"})
            assert client.start(site.url, poll_interval=50) == {"ready": True}
        before = web.read()
        assert before["loyalty"]["value"] == "points"
        assert server.read(title="code")["title"]["value"] == details(python, "title", VISITOR).value != "code"
        site.kill()

        assert web.ask("wait", event="PROVIDER_STALE", seconds=20)["happened"]
        assert web.read() == before
        assert web.start(site.url) == {"ready": True}, "another page of the same browser"
        assert {key: one["value"] for key, one in web.read().items()} == {k: o["value"] for k, o in before.items()}

        answered = server.ask("read", flags=DEFAULTS)
        assert {key: one["value"] for key, one in answered["found"].items()} == DEFAULTS
        assert answered["seconds"] < len(DEFAULTS)

        began = time.monotonic()
        found = details(python, "title", VISITOR)
        assert time.monotonic() - began < 1.0
        assert (found.value, found.error_code) == (DEFAULTS["title"], ErrorCode.GENERAL)

        site.start()
        assert details(python, "title", VISITOR).value == before["title"]["value"]
        assert server.read(title="code")["title"]["value"] == before["title"]["value"]
    finally:
        site.kill()
