"""The visitor's id: whose it is, when a cookie keeps it, and from where it may be asked for."""

import re
from pathlib import Path

import pytest

from config.edge import Edge
from config.edge.visitors import COOKIE, cookie_of, new_visitor
from config.local.embedded import Postgres
from decisions.serving.cookies import CookiePolicy
from decisions.serving.settings import EdgeSettingsInvalid, edge_settings
from tests.config.edges import BOTH, Answer, call, idle_edge, start_edge
from tests.decisions.published import publish, text_of

PATH = "/v1/visitor"
KNOWN = "KnownKnownKnownKnown22"
SHOP = "https://www.shop.example"
POLICY = CookiePolicy("shop.example", frozenset({SHOP}))


def ask(edge: Edge, body: object, **headers: str) -> Answer:
    return call(edge, PATH, body, **headers)


def test_visitor__first_visit_with_consent__gets_an_id_and_a_cookie_that_lasts(edge: Edge) -> None:
    answer = ask(edge, {"consent": True})

    visitor = answer.json["visitor"]
    assert answer.json == {"visitor": visitor, "source": "new", "stored": True, "seconds": 400 * 86_400}
    assert re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_-]{21}", visitor)
    assert answer.headers["Set-Cookie"] == f"{COOKIE}={visitor}; Path=/; Max-Age=34560000; HttpOnly; SameSite=Lax"
    assert answer.headers["Cache-Control"] == "no-store"


def test_visitor__cookie_comes_back__is_the_id_and_begins_its_life_anew(edge: Edge) -> None:
    answer = ask(edge, {"consent": True, "visitor": "another-one"}, HTTP_COOKIE=f"a=b; {COOKIE}={KNOWN}; c=d")

    assert (answer.json["visitor"], answer.json["source"]) == (KNOWN, "cookie")
    assert answer.headers["Set-Cookie"].startswith(f"{COOKIE}={KNOWN}; Path=/; Max-Age=34560000")


def test_visitor__id_known_to_the_shop__is_kept_from_now_on(edge: Edge) -> None:
    answer = ask(edge, {"consent": True, "visitor": "8f14e45f-ceea-467f-a8f3-0123456789ab"})

    assert (answer.json["visitor"], answer.json["source"]) == ("8f14e45f-ceea-467f-a8f3-0123456789ab", "sent")
    assert "8f14e45f-ceea-467f-a8f3-0123456789ab" in answer.headers["Set-Cookie"]


@pytest.mark.parametrize(
    "cookie",
    [
        "",
        "short",
        "-" * 22,
        "x" * 65,
        "x" * 20_000,
        "with space in it ......",
        "a%00b%00c%00d%00e%00",
        '"quoted-quoted-quoted"',
        "<script>alert(1)</script>",
        "\xff\xfe\xfd\xfc\xfb\xfa\xf9\xf8",
    ],
)
def test_visitor__cookie_of_another_form__gives_a_new_id(edge: Edge, cookie: str) -> None:
    answer = ask(edge, {"consent": True}, HTTP_COOKIE=f"{COOKIE}={cookie}")

    assert answer.json["source"] == "new"
    assert re.fullmatch(r"[A-Za-z0-9_-]{22}", answer.json["visitor"])
    assert answer.json["visitor"] in answer.headers["Set-Cookie"]


@pytest.mark.parametrize("header", [f"not_{COOKIE}={KNOWN}", f"x={COOKIE}", COOKIE, f"{COOKIE} {KNOWN}"])
def test_cookie_of__other_cookies__are_not_taken_for_it(header: str) -> None:
    assert cookie_of({"HTTP_COOKIE": header}) is None


def test_visitor__without_consent__stores_nothing_and_deletes_what_was_stored(edge: Edge) -> None:
    fresh = ask(edge, {"consent": False, "visitor": KNOWN})
    assert fresh.json["visitor"] != KNOWN
    assert fresh.json | {"visitor": ""} == {"visitor": "", "source": "new", "stored": False, "seconds": None}
    assert "Set-Cookie" not in fresh.headers

    withdrawn = ask(edge, {"consent": False}, HTTP_COOKIE=f"{COOKIE}={KNOWN}")
    assert withdrawn.json["visitor"] not in (KNOWN, fresh.json["visitor"])
    assert withdrawn.headers["Set-Cookie"] == f"{COOKIE}=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"\xff",
        {},
        {"consent": "yes"},
        {"consent": 1},
        {"consent": None},
        {"consent": True, "visitor": 42},
        {"consent": True, "visitor": "short"},
        {"consent": True, "visitor": "a; Domain=evil.example"},
        {"consent": True, "visitor": "line\r\nSet-Cookie: a=b"},
        {"consent": True, "more": 1},
    ],
)
def test_visitor__bad_body__is_refused_and_sets_nothing(edge: Edge, body: object) -> None:
    answer = ask(edge, body, HTTP_COOKIE=f"{COOKIE}={KNOWN}")

    assert (answer.status, answer.json["code"]) == (400, "VISITOR_REQUEST_MALFORMED")
    assert "Set-Cookie" not in answer.headers


def test_visitor__without_a_key__is_refused_and_sets_nothing(edge: Edge) -> None:
    answer = call(edge, PATH, {"consent": True}, key=None)

    assert answer.status == 401
    assert "Set-Cookie" not in answer.headers


def test_visitor__before_any_bundle__still_gets_an_id(tmp_path: Path) -> None:
    answer = ask(idle_edge(tmp_path), {"consent": True})

    assert (answer.status, answer.json["stored"]) == (200, True)


@pytest.mark.parametrize(
    ("headers", "secure"),
    [
        ({"wsgi.url_scheme": "https"}, True),
        ({"wsgi.url_scheme": "http"}, False),
        ({"wsgi.url_scheme": "http", "HTTP_X_FORWARDED_PROTO": "https, http"}, True),
        ({"wsgi.url_scheme": "https", "HTTP_X_FORWARDED_PROTO": "http"}, False),
    ],
)
def test_visitor__browser_speaks_https__gets_a_secure_cookie(edge: Edge, headers: dict[str, str], secure: bool) -> None:
    assert ask(edge, {"consent": True}, **headers).headers["Set-Cookie"].endswith("; Secure") is secure


@pytest.fixture
def shop_edge(breakable_postgres: Postgres, tmp_path: Path) -> Edge:
    publish(breakable_postgres.url, text_of(*BOTH, version=12))
    return start_edge(breakable_postgres.url, tmp_path, cookies=POLICY)


def test_visitor__listed_origin__may_send_cookies(shop_edge: Edge) -> None:
    for answer in (
        ask(shop_edge, {"consent": True}, HTTP_ORIGIN=SHOP),
        call(shop_edge, PATH, key=None, method="OPTIONS", HTTP_ORIGIN=SHOP),
        call(shop_edge, PATH, {"consent": 0}, HTTP_ORIGIN=SHOP),
    ):
        assert answer.headers["Access-Control-Allow-Origin"] == SHOP
        assert answer.headers["Access-Control-Allow-Credentials"] == "true"
        assert answer.headers["Vary"] == "Origin"
    shop_edge.close()


@pytest.mark.parametrize("origin", [None, "null", "https://evil.example", "https://www.shop.example.evil.example"])
def test_visitor__any_other_origin__is_never_let_in_with_cookies(shop_edge: Edge, origin: str | None) -> None:
    headers = {} if origin is None else {"HTTP_ORIGIN": origin}
    for answer in (
        ask(shop_edge, {"consent": True}, **headers),
        call(shop_edge, PATH, key=None, method="OPTIONS", **headers),
    ):
        assert "Access-Control-Allow-Origin" not in answer.headers
        assert "Access-Control-Allow-Credentials" not in answer.headers
        assert answer.headers["Vary"] == "Origin"
    other = call(shop_edge, "/v1/assignments", {"units": {"visitor": "v"}}, **headers)
    assert other.headers["Access-Control-Allow-Origin"] == "*"
    assert "Access-Control-Allow-Credentials" not in other.headers
    shop_edge.close()


def test_visitor__domain_of_the_shop__is_that_of_cookie_and_deletion(shop_edge: Edge) -> None:
    kept = ask(shop_edge, {"consent": True}).headers["Set-Cookie"]
    gone = ask(shop_edge, {"consent": False}, HTTP_COOKIE=f"{COOKIE}={KNOWN}").headers["Set-Cookie"]

    assert "Domain=shop.example" in kept.split("; ")
    assert {"Domain=shop.example", "Max-Age=0"} <= set(gone.split("; "))
    shop_edge.close()


def test_new_visitor__ten_thousand_of_them__are_different_and_of_one_form() -> None:
    made = {new_visitor() for _ in range(10_000)}

    assert len(made) == 10_000
    assert all(re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_-]{21}", visitor) for visitor in made)


def test_settings__cookie_domain_and_origins__are_read() -> None:
    settings = edge_settings(
        {
            "TILTYARD_COOKIE_DOMAIN": ".Shop.Example",
            "TILTYARD_COOKIE_ORIGINS": "https://www.shop.example, http://localhost:3000",
        }
    )

    assert settings.cookies == CookiePolicy("shop.example", frozenset({SHOP, "http://localhost:3000"}))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TILTYARD_COOKIE_DOMAIN", "shop"),
        ("TILTYARD_COOKIE_DOMAIN", "shop.example; Secure"),
        ("TILTYARD_COOKIE_ORIGINS", "*"),
        ("TILTYARD_COOKIE_ORIGINS", "https://*.shop.example"),
        ("TILTYARD_COOKIE_ORIGINS", "https://shop.example/path"),
        ("TILTYARD_COOKIE_ORIGINS", "null"),
    ],
)
def test_settings__cookies_for_anybody__are_refused(name: str, value: str) -> None:
    with pytest.raises(EdgeSettingsInvalid, match=name):
        edge_settings({name: value})
