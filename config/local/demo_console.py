"""The console of the demonstration: an account, and a walk through its pages as a person would take it."""

import http.cookiejar
import re
import secrets
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping, Sequence

from config.local.demo_faults import DemoFailed

ACCOUNT = "demo"
_TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="([^"]+)"')


def make_account() -> str:
    """Give the account of the demonstration a new password, make it where it is missing, and return the password."""
    from django.contrib.auth import get_user_model

    password = secrets.token_urlsafe(12)
    users = get_user_model().objects
    account = users.filter(username=ACCOUNT).first() or users.create_superuser(ACCOUNT, "")
    account.set_password(password)
    account.save(update_fields=["password"])
    return password


def pages(project: str, *, experiments: Sequence[str], point: str, model: str, version: int) -> dict[str, str]:
    """Return the paths of the pages to look at, by title."""
    query = "?" + urllib.parse.urlencode({"project": project})
    return {
        **{f"readout {key}": f"/x/{key}{query}" for key in experiments},
        "decision point": f"/d/{point}{query}",
        "model": f"/m/{model}{query}",
        "model version": f"/m/{model}/{version}{query}",
        "promotions": "/promotions",
        "admin": "/admin/",
    }


def probe(url: str, password: str, paths: Mapping[str, str]) -> None:
    """Log in and open every page. Raises DemoFailed for one that does not answer with itself."""
    browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()))
    login = f"{url}/admin/login/"
    token = _TOKEN.search(_open(browser, login))
    if token is None:
        raise DemoFailed(f"{login} shows no form.")
    form = {"username": ACCOUNT, "password": password, "csrfmiddlewaretoken": token[1], "next": "/admin/"}
    _open(browser, urllib.request.Request(login, urllib.parse.urlencode(form).encode(), {"Referer": login}))  # noqa: S310
    for title, path in paths.items():
        if "csrfmiddlewaretoken" in (text := _open(browser, url + path)) and 'name="password"' in text:
            raise DemoFailed(f"{title}: {url}{path} asks for a password in spite of the log-in.")


def _open(browser: urllib.request.OpenerDirector, request: str | urllib.request.Request) -> str:
    address = request if isinstance(request, str) else request.full_url
    try:
        with browser.open(request, timeout=30) as answer:
            return str(answer.read().decode())
    except (urllib.error.URLError, OSError) as error:
        raise DemoFailed(f"{address} does not answer: {error}.") from error
