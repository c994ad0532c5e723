"""The official JavaScript providers, for servers and for browsers, against a real edge process."""

import time
from collections.abc import Callable
from typing import Any

from tests.clients.ofrep.site import DEFAULTS, FlagSite, NodeClient

MakeClient = Callable[[str], NodeClient]

VISITOR = {"targetingKey": "v-1", "country": "DE", "userId": "c-1"}


def without_tokens(found: dict[str, Any]) -> dict[str, Any]:
    return {
        key: {"value": one["value"], "variant": one.get("variant"), "reason": one["reason"]}
        for key, one in found.items()
    }


def test_server_provider__every_flag__has_value_variant_reason_and_metadata(
    flag_site: FlagSite, make_client: MakeClient
) -> None:
    client = make_client("server")
    assert client.start(flag_site.url) == {"ready": True}
    client.ask("context", context=VISITOR)
    found = client.read()
    assert [one for one in found.values() if "errorCode" in one] == []
    assert found["price"]["value"] in (20, 25)
    assert found["price"]["reason"] == "SPLIT"
    assert found["price"]["metadata"]["experiment"] == "experiment-1"
    assert found["price"]["metadata"]["decision_token"]
    assert {key: (found[key]["value"], found[key]["reason"]) for key in ("german", "kept-out", "paused", "search")} == {
        "german": (True, "SPLIT"),
        "kept-out": ("as before", "STATIC"),
        "paused": ("as before", "DISABLED"),
        "search": (False, "STATIC"),
    }
    assert found["loyalty"]["value"] == "points"


def test_server_provider__faults__are_the_defaults_with_their_codes(
    flag_site: FlagSite, make_client: MakeClient
) -> None:
    client = make_client("server")
    client.start(flag_site.url)
    client.ask("context", context={})
    found = client.read(price=1.5, nowhere="code")
    assert (found["price"]["value"], found["price"]["errorCode"]) == (1.5, "TARGETING_KEY_MISSING")
    assert "targetingKey" in found["price"]["errorMessage"]
    assert (found["nowhere"]["value"], found["nowhere"]["errorCode"]) == ("code", "FLAG_NOT_FOUND")
    client.ask("context", context={"targetingKey": "v-1", "personalised": "no"})
    assert client.read(price=1.5)["price"]["errorCode"] == "INVALID_CONTEXT"


def test_web_provider__every_flag__is_what_the_server_provider_gets(
    flag_site: FlagSite, make_client: MakeClient
) -> None:
    web, server = make_client("web"), make_client("server")
    for client in (web, server):
        client.ask("context", context=VISITOR)
        assert client.start(flag_site.url) == {"ready": True}
    found = web.read()
    assert without_tokens(found) == without_tokens(server.read())
    tokens = {one["metadata"].get("decision_token") for one in found.values() if one["reason"] == "SPLIT"}
    assert len(tokens) == 1
    assert None not in tokens


def test_web_provider__visitor_missing__fails_only_the_flags_that_need_one(
    flag_site: FlagSite, make_client: MakeClient
) -> None:
    client = make_client("web")
    client.ask("context", context={})
    assert client.start(flag_site.url) == {"ready": True}
    found = client.read()
    assert {key for key, one in found.items() if one.get("errorCode") == "TARGETING_KEY_MISSING"} == {
        "price",
        "title",
        "columns",
        "layout",
        "german",
        "kept-out",
        "tester",
    }
    assert (found["price"]["value"], found["search"]["value"]) == (DEFAULTS["price"], False)


def test_web_provider__polling__is_answered_304_and_changes_nothing(
    flag_site: FlagSite, make_client: MakeClient
) -> None:
    client = make_client("web")
    client.ask("context", context=VISITOR)
    before = flag_site.answered(304)
    client.start(flag_site.url, poll_interval=50)
    first = client.read()
    until = time.monotonic() + 30
    while flag_site.answered(304) < before + 3 and time.monotonic() < until:
        time.sleep(0.05)
    assert flag_site.answered(304) >= before + 3
    assert "PROVIDER_CONFIGURATION_CHANGED" not in client.ask("wait", event="PROVIDER_STALE", seconds=0)["events"]
    assert client.read() == first, "the tokens of the first answer are kept"


def test_web_provider__context_changed_but_not_the_visitor__gets_the_new_values(
    flag_site: FlagSite, make_client: MakeClient
) -> None:
    """The provider sends the tag of the old context here; a tag of the configuration alone would be answered 304."""
    client = make_client("web")
    client.ask("context", context={"targetingKey": "v-1", "country": "FR"})
    client.start(flag_site.url, poll_interval=50)
    assert client.read(german=False)["german"]["value"] is False
    client.ask("context", context={"targetingKey": "v-1", "country": "DE"})
    if client.read(german=False)["german"]["value"] is not True:  # Kept values of the visitor come first, then ours.
        client.ask("wait", event="PROVIDER_CONFIGURATION_CHANGED", seconds=10)
    assert client.read(german=False)["german"]["value"] is True


def test_web_provider__wrong_key__does_not_get_ready(flag_site: FlagSite, make_client: MakeClient) -> None:
    client = make_client("web")
    client.ask("context", context=VISITOR)
    started = client.start(flag_site.url, key="nonsense")
    assert not started["ready"]
    assert client.read(price=1.5)["price"]["value"] == 1.5
