"""The HTTP that a storefront speaks: assignments one by one, events in batches, over one kept connection."""

import http.client
import json
import time
from base64 import b64encode
from typing import Any
from urllib.parse import urlsplit

RETRIES = 20


class EdgeClient:
    """A connection to the edge with one key; it retries what the edge asks to be retried."""

    def __init__(self, url: str, key: str) -> None:
        parts = urlsplit(url)
        self._host, self._port = str(parts.hostname), int(parts.port or 80)
        self._headers = {
            "Content-Type": "application/json",
            "Authorization": "Basic " + b64encode(f"{key}:".encode()).decode(),
        }
        self._connection = http.client.HTTPConnection(self._host, self._port, timeout=30)

    def assign(self, visitor: str) -> dict[str, Any]:
        """Return the assignments of a visitor and the token that an exposure gives back."""
        return self._post("/v1/assignments", {"units": {"visitor": visitor}, "attributes": {}})

    def send(self, messages: list[dict[str, Any]]) -> dict[str, Any]:
        """Send a batch of events and return what became of each."""
        return self._post("/v1/batch", {"batch": messages})

    def _post(self, path: str, body: object) -> dict[str, Any]:
        payload = json.dumps(body).encode()
        for attempt in range(RETRIES):
            try:
                self._connection.request("POST", path, payload, self._headers)
                answer = self._connection.getresponse()
                content = answer.read()
            except (http.client.HTTPException, OSError):
                self._connection.close()
                time.sleep(min(2.0, 0.1 * 2**attempt))
                continue
            if answer.status in (429, 503):
                time.sleep(float(answer.headers.get("Retry-After", 1)))
                continue
            if answer.status >= 400:
                raise RuntimeError(f"{path} answered {answer.status}: {content[:500]!r}")
            return dict(json.loads(content))
        raise RuntimeError(f"{path} did not answer after {RETRIES} tries")
