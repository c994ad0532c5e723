"""The family of a browser, and nothing else of its user agent."""

import re
from enum import StrEnum

ATTRIBUTE = "browser"
"""The attribute that the family is stored under, where the project allows it."""
LONGEST = 512
"""Characters of a user agent that are looked at."""


class BrowserFamily(StrEnum):
    """Browsers by how they keep what a page stores."""

    SAFARI = "safari"
    CHROME = "chrome"
    FIREFOX = "firefox"
    EDGE = "edge"
    OTHER = "other"


# In this order: most browsers claim to be those before them.
_SIGNS = (
    (re.compile(r"OPR/|SamsungBrowser/|UCBrowser/|YaBrowser/|Headless|bot\b|crawl|spider", re.IGNORECASE), "other"),
    (re.compile(r"\((?:iPhone|iPad|iPod).*AppleWebKit/"), "safari"),  # All browsers there are Safari underneath.
    (re.compile(r"\bEdg(?:e|A)?/"), "edge"),
    (re.compile(r"\bFirefox/"), "firefox"),
    (re.compile(r"\b(?:Chrome|Chromium)/"), "chrome"),
    (re.compile(r"\bVersion/[0-9.]+ (?:Mobile/\w+ )?Safari/"), "safari"),
)


def browser_family(user_agent: str) -> BrowserFamily:
    """Return the family that a User-Agent header names."""
    looked_at = user_agent[:LONGEST]
    return BrowserFamily(next((family for sign, family in _SIGNS if sign.search(looked_at)), "other"))
