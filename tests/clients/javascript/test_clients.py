"""The JavaScript clients, in a Node process each, against a real edge."""

import json
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from config.edge import Edge
from config.local.embedded import Postgres
from tests.clients.serving import Front, database_edge, file_edge, listening
from tests.config.edges import call, log_of
from tests.decisions.published import CLIENT_KEY, SERVER_KEY, publish, text_of
from tests.experiments.assignment.builders import experiment
from tests.fixtures.node import RunNode, node_command

HERE = Path(__file__).parent
CLIENTS = Path(__file__).parents[3] / "clients" / "javascript"
UNITS = {"visitor": "v-1", "customer": "c-1"}
GERMAN = {"country": "DE"}


class Shop:
    """A Node process with a client in it; calling it calls a method there."""

    def __init__(self, command: list[str]) -> None:
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def __call__(self, method: str, *arguments: Any) -> Any:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps([method, *arguments]) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        assert line, f"the process ended with {self.process.wait(10)}"
        return json.loads(line)

    def end(self) -> None:
        """End the process, at the latest by force."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(5)


MakeShop = Callable[..., Shop]


@pytest.fixture
def make_shop(node: str) -> Iterator[MakeShop]:
    """Return a function that starts a process with a client: `local` or `remote`."""
    with ExitStack() as running:

        def make(kind: str, url: str, *arguments: str, **settings: Any) -> Shop:
            key = {"serverKey": SERVER_KEY, "pollSeconds": 0.1} if kind == "local" else {"clientKey": CLIENT_KEY}
            told = json.dumps({"url": url, "flushSeconds": 0.05, **key, **settings})
            shop = Shop(node_command(node, HERE / f"{kind}_client.mjs", told, *arguments))
            running.callback(shop.end)
            return shop

        yield make


def within(seconds: float, is_so: Callable[[], Any]) -> bool:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if is_so():
            return True
        time.sleep(0.03)
    return False


@pytest.fixture
def edge(tmp_path: Path) -> Iterator[Edge]:
    edge = file_edge(tmp_path, text_of(experiment(1), experiment(2, unit_kind="customer"), version=7))
    yield edge
    edge.close()


@pytest.fixture
def stored(breakable_postgres: Postgres, tmp_path: Path) -> Iterator[tuple[Front, str, Postgres]]:
    """Return a front before an edge that stores events, its address, and the database."""
    edge = database_edge(breakable_postgres.url, tmp_path, text_of(experiment(1)))
    front = Front(edge)
    with listening(front) as url:
        yield front, url, breakable_postgres
    edge.close()


def test_local__answers__are_those_of_the_route(edge: Edge, make_shop: MakeShop) -> None:
    with listening(edge) as url:
        shop = make_shop("local", url)
        assert shop("ready", 10) is True
        here = shop("assign", UNITS, GERMAN)
        there = call(edge, "/v1/assignments", {"units": UNITS, "attributes": GERMAN}).json["assignments"]
        assert here == there
        assert shop("status")["version"] == 7


def test_local__server_gone__goes_on_and_a_new_process_begins_with_what_was_kept(
    edge: Edge, tmp_path: Path, make_shop: MakeShop
) -> None:
    kept = tmp_path / "kept.json"
    with listening(edge) as url:
        shop = make_shop("local", url, str(kept))
        assert shop("ready", 10)
        before = shop("assign", UNITS, GERMAN)
        assert within(10, kept.exists)
    assert within(10, lambda: shop("status")["bundleError"])
    assert shop("assign", UNITS, GERMAN) == before
    reborn = make_shop("local", url, str(kept), timeoutSeconds=0.3)
    assert reborn("ready", 10)
    assert reborn("assign", UNITS, GERMAN) == before
    assert reborn("status")["isFromStorage"]
    kept.write_text(kept.read_text()[:-20])
    damaged = make_shop("local", url, str(kept), timeoutSeconds=0.3)
    assert damaged("ready", 10) is False
    assert damaged("assign", UNITS, GERMAN) == []
    assert [a["reason"] for a in damaged("assign", UNITS, GERMAN, {"experiments": ["experiment-1"]})] == [
        "BUNDLE_MISSING"
    ]


def test_local__published_anew__is_taken_over(stored: tuple[Front, str, Postgres], make_shop: MakeShop) -> None:
    front, url, postgres = stored
    shop = make_shop("local", url)
    assert shop("ready", 10)
    publish(postgres.url, text_of(experiment(1, status="PAUSED"), version=2))
    assert within(10, lambda: shop("status")["version"] == 2)
    assert [a["reason"] for a in shop("assign", UNITS)] == ["NOT_RUNNING"]
    assert any("HTTP_IF_NONE_MATCH" in headers for _, _, headers in front.seen)


def test_local__exposures_and_events__arrive_once_and_are_recomputed(
    stored: tuple[Front, str, Postgres], make_shop: MakeShop
) -> None:
    front, url, postgres = stored
    front.refuse, front.lose = 1, 1
    shop = make_shop("local", url)
    assert shop("ready", 10)
    (given,) = shop("assign", UNITS, GERMAN)
    assert shop("expose", given, UNITS, GERMAN)
    assert shop("expose", given, UNITS, GERMAN)
    for number in range(20):
        assert shop("track", "Product Viewed", UNITS, {"product_id": f"p-{number}", "price": 5})
    assert shop("alias", "v-1", "c-1")
    assert shop("flush", 20)
    assert shop("status")["events"] == {"stored": 22, "rejected": 0, "dropped": 0}
    rows = log_of(postgres)
    assert len(rows) == 22
    (enrolment,) = next(row[5] for row in rows if row[2] == "Experiment Viewed")
    assert (enrolment["verification"], enrolment["reason"]) == ("RECOMPUTED", None)
    assert (enrolment["variant"], enrolment["slots"]) == (given["variant"], given["slots"])


def test_local__more_events_than_the_queue_holds__are_counted_and_nothing_throws(make_shop: MakeShop) -> None:
    shop = make_shop("local", "http://127.0.0.1:9", queueLimit=5, timeoutSeconds=0.2)
    assert [shop("track", "Product Viewed", UNITS) for _ in range(8)].count(True) == 5
    assert shop("flush", 0.3) is False
    assert shop("status")["events"]["dropped"] == 3
    assert shop("assign", None, None) == []
    assert shop("expose", None, None) is False


def test_remote__answers__come_from_the_server_then_from_its_last_answer_then_from_nowhere(
    edge: Edge, make_shop: MakeShop
) -> None:
    with listening(edge) as url:
        shop = make_shop("remote", url)
        fresh = shop("assign", UNITS, GERMAN)
    assert (fresh["from"], fresh["assignments"][0]["experiment"]) == ("server", "experiment-1")
    for page in ("same", "next"):
        if page == "next":
            shop("newPage")
        last = shop("assign", dict(reversed(UNITS.items())), {"country": "CN"})
        assert last == fresh | {"from": "cache"}, page
    stranger = shop("assign", {"visitor": "v-2"}, GERMAN)
    assert (stranger["from"], stranger["assignments"], stranger["decision_token"]) == ("none", [], None)
    _, name = shop("names")
    assert "v-1" not in name
    assert "c-1" not in name


def test_remote__last_answer_too_old__is_not_used(edge: Edge, make_shop: MakeShop) -> None:
    with listening(edge) as url:
        shop = make_shop("remote", url, keepSeconds=0)
        assert shop("assign", UNITS)["from"] == "server"
    time.sleep(0.01)
    assert shop("assign", UNITS)["from"] == "none"


def test_remote__server_that_hangs__is_not_waited_for(make_shop: MakeShop) -> None:
    def hanging(environ: Any, start_response: Any) -> Any:
        time.sleep(2)
        start_response("200 OK", [])
        return [b"{}"]

    with listening(hanging) as url:
        shop = make_shop("remote", url, timeoutSeconds=0.3)
        assert shop("assign", UNITS)["from"] == "none"


def test_remote__exposures__carry_the_token_and_arrive_once(
    stored: tuple[Front, str, Postgres], make_shop: MakeShop
) -> None:
    front, url, postgres = stored
    front.lose = 1
    shop = make_shop("remote", url)
    given = shop("assign", UNITS, GERMAN)
    assert shop("expose", given, "experiment-1", UNITS)
    assert shop("expose", given, "experiment-1", UNITS)
    assert shop("expose", given, "unheard-of", UNITS) is False
    assert shop("flush", 20)
    assert shop("counts") == {"stored": 1, "rejected": 0, "dropped": 0, "waiting": 0}
    ((_, _, event, _, _, (enrolment,)),) = log_of(postgres)
    assert (event, enrolment["verification"], enrolment["reason"]) == ("Experiment Viewed", "TOKEN", None)


@dataclass
class Refusing:
    """Answers every request with a status and headers, and remembers the paths."""

    status: str
    headers: list[tuple[str, str]]
    seen: list[str] = field(default_factory=list)

    def __call__(self, environ: Any, start_response: Any) -> list[bytes]:
        self.seen.append(environ["PATH_INFO"])
        start_response(self.status, [*self.headers, ("Content-Length", "0")])
        return [b""]


def test_remote__told_to_wait__asks_and_reports_no_more_until_then(make_shop: MakeShop) -> None:
    refusing = Refusing("429 Too Many Requests", [("Retry-After", "60")])
    with listening(refusing) as url:
        shop = make_shop("remote", url, batchSize=2)
        assert [shop("assign", {"visitor": f"v-{n}"})["from"] for n in range(3)] == ["none"] * 3
        assert shop("track", "Product Viewed", UNITS)
        assert within(10, lambda: "/v1/batch" in refusing.seen)
        assert shop("assign", UNITS)["from"] == "none"
        for _ in range(10):
            assert shop("track", "Product Viewed", UNITS)
            time.sleep(0.02)
        assert refusing.seen == ["/v1/assignments", "/v1/batch"]
        assert shop("counts") == {"stored": 0, "rejected": 0, "dropped": 0, "waiting": 11}


@pytest.mark.parametrize("kind", ["local", "remote"])
def test_clients__sent_elsewhere__take_no_key_there(kind: str, make_shop: MakeShop) -> None:
    elsewhere = Refusing("200 OK", [])
    with listening(elsewhere) as other:
        redirecting = Refusing("307 Temporary Redirect", [("Location", f"{other}/v1/batch")])
        with listening(redirecting) as url:
            shop = make_shop(kind, url, timeoutSeconds=5)
            assert shop("track", "Product Viewed", UNITS)
            shop("assign", UNITS)
            assert shop("flush", 0.5) is False
            assert "/v1/batch" in redirecting.seen
    assert elsewhere.seen == []


def test_remote__message_larger_than_the_server_takes__is_dropped_and_holds_up_no_other(
    stored: tuple[Front, str, Postgres], make_shop: MakeShop
) -> None:
    _, url, postgres = stored
    shop = make_shop("remote", url)
    assert shop("track", "Products Searched", UNITS, {"query": "\u5c3a" * 11_000}) is False
    assert shop("track", "Products Searched", UNITS, {"query": "\u5c3a" * 100})
    assert shop("flush", 20)
    assert shop("counts") == {"stored": 1, "rejected": 0, "dropped": 1, "waiting": 0}
    assert len(log_of(postgres)) == 1


def test_remote__many_shoppers_on_one_machine__leave_the_storage_small_and_what_is_old_goes(
    edge: Edge, make_shop: MakeShop
) -> None:
    with listening(edge) as url:
        shop = make_shop("remote", url)
        for number in range(25):
            assert shop("assign", {"visitor": f"v-{number}"})["from"] == "server"
        assert len(shop("names")) == 1 + 20
    assert shop("assign", {"visitor": "v-24"})["from"] == "cache"
    shop("keepFor", 0)
    time.sleep(0.01)
    shop("newPage")
    assert shop("names") == ["cart of the shop"]


def test_remote__units_that_cannot_be_written__are_answered_with_nothing(edge: Edge, run_node: RunNode) -> None:
    with listening(edge) as url:
        script = f"""
            const {{ RemoteClient }} = await import({json.dumps((CLIENTS / "tiltyard.mjs").as_uri())});
            const client = new RemoteClient({{ url: {json.dumps(url)}, clientKey: "{CLIENT_KEY}", storage: null }});
            console.log((await client.assign({{ visitor: 5n }})).from);
        """
        assert run_node(script).strip() == "none"


def test_constructors__with_the_wrong_kind_of_key_or_place__refuse(run_node: RunNode) -> None:
    script = f"""
        const {{ RemoteClient }} = await import({json.dumps((CLIENTS / "tiltyard.mjs").as_uri())});
        const {{ LocalClient }} = await import({json.dumps((CLIENTS / "local.mjs").as_uri())});
        const tries = [
            () => new LocalClient({{ url: "http://e", serverKey: "{CLIENT_KEY}" }}),
            () => new RemoteClient({{ url: "http://e", clientKey: "{SERVER_KEY}" }}),
            () => new RemoteClient({{ url: "e", clientKey: "{CLIENT_KEY}" }}),
            () => {{
                globalThis.window = globalThis.document = {{}};
                return new LocalClient({{ url: "http://e", serverKey: "{SERVER_KEY}" }});
            }},
        ];
        console.log(JSON.stringify(tries.map((make) => {{
            try {{ make(); return null; }} catch (error) {{ return error.message; }}
        }})));
    """
    messages = json.loads(run_node(script))
    assert all(messages)
    assert "browsers" in messages[-1]


def test_files__of_the_client__import_nothing_from_elsewhere_and_the_browser_gets_one() -> None:
    sources = {path.name: path.read_text() for path in CLIENTS.glob("*.mjs")}
    assert " from " not in "".join(line for line in sources["tiltyard.mjs"].splitlines() if line.startswith("import"))
    for name, text in sources.items():
        imported = [line for line in text.splitlines() if line.startswith(("import ", "export {"))]
        assert all('"./' in line for line in imported if " from " in line), name
    assert "salt" not in sources["tiltyard.mjs"]
    assert json.loads((CLIENTS / "package.json").read_text()).keys().isdisjoint({"dependencies", "scripts"})
