"""One kept HTTP connection that repeats what may be repeated."""

import http.client
import json
import time
from typing import Any
from urllib.parse import urlsplit

RETRIES = 20


class Connection:
    """A connection to one host with one API key; it repeats what was lost, and what the host asks to be repeated."""

    def __init__(self, url: str, key: str) -> None:
        parts = urlsplit(url)
        self._host, self._port = str(parts.hostname), int(parts.port or 80)
        self._headers = {"Content-Type": "application/json", "X-API-Key": key}
        self._connection = http.client.HTTPConnection(self._host, self._port, timeout=30)

    def send(self, method: str, path: str, body: object = None) -> dict[str, Any]:
        """Return the answer's object. Raises RuntimeError for a refusal, and where nothing answers."""
        payload = None if body is None else json.dumps(body).encode()
        for attempt in range(RETRIES):
            try:
                self._connection.request(method, path, payload, self._headers)
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
