"""Reading published bundles, and the files they name, from Postgres, on the loader's own thread and connection."""

from collections.abc import Mapping, Sequence

import psycopg
from psycopg.conninfo import make_conninfo

from decisions.serving.bundle import PublishedText

# One step down the unique index for each project, however many versions there are.
_NEWEST = """
WITH RECURSIVE newest AS (
    (SELECT project_id, version FROM decisions_publishedbundle ORDER BY project_id DESC, version DESC LIMIT 1)
    UNION ALL
    SELECT below.project_id, below.version FROM newest, LATERAL (
        SELECT project_id, version FROM decisions_publishedbundle
        WHERE project_id < newest.project_id ORDER BY project_id DESC, version DESC LIMIT 1
    ) AS below
)
SELECT bundle.project_id, bundle.version, bundle.sha256 FROM newest
JOIN decisions_publishedbundle AS bundle USING (project_id, version)
"""

_TEXTS = """
SELECT project_id, version, sha256, content, companion FROM decisions_publishedbundle
WHERE (project_id, version) IN (SELECT * FROM unnest(%s::bigint[], %s::bigint[]))
"""

# A chunk at a time, so that a large file is no single long statement.
_CHUNK = """
SELECT position, content FROM decisions_publishedchunk WHERE sha256 = %s AND position > %s ORDER BY position LIMIT 1
"""

_OPTIONS = "-c statement_timeout=5000 -c default_transaction_read_only=on -c application_name=tiltyard-edge-bundles"
UNANSWERED_MILLISECONDS = 5_000
"""A server that vanished without closing the connection is noticed after this time."""


class BundleSourceDown(Exception):
    """Postgres does not answer."""

    code = "BUNDLE_SOURCE_DOWN"


class PostgresBundles:
    """The published bundles, through one connection that is made again when it breaks. For one thread."""

    def __init__(self, url: str, *, connect_seconds: int) -> None:
        self._url = url
        self._connect_seconds = connect_seconds
        self._connection: psycopg.Connection[tuple[object, ...]] | None = None

    def newest(self) -> Mapping[int, tuple[int, str]]:
        """Return version and digest of the newest bundle of each project.

        Raises:
            BundleSourceDown: Postgres does not answer.
        """
        rows = self._rows(_NEWEST, ())
        return {int(str(project)): (int(str(version)), str(digest)) for project, version, digest in rows}

    def texts(self, versions: Mapping[int, int]) -> Sequence[PublishedText]:
        """Return the bundles of these versions by project. Raises BundleSourceDown."""
        rows = self._rows(_TEXTS, (list(versions), list(versions.values())))
        return [
            PublishedText(int(str(project)), int(str(version)), str(digest), str(content), str(companion))
            for project, version, digest, content, companion in rows
        ]

    def file(self, sha: str) -> bytes | None:
        """Return what is published under a digest, unverified; None where nothing is. Raises BundleSourceDown."""
        chunks: list[bytes] = []
        position = -1
        while found := self._rows(_CHUNK, (sha, position)):
            position, chunk = int(str(found[0][0])), found[0][1]
            chunks.append(chunk if isinstance(chunk, bytes) else b"")
        return b"".join(chunks) if chunks else None

    def close(self) -> None:
        """Close the connection; the next call opens another."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _rows(self, query: str, parameters: tuple[object, ...]) -> list[tuple[object, ...]]:
        try:
            if self._connection is None:
                address = make_conninfo(
                    self._url,
                    connect_timeout=self._connect_seconds,
                    options=_OPTIONS,
                    keepalives_idle=2,
                    keepalives_interval=1,
                    keepalives_count=3,
                    tcp_user_timeout=UNANSWERED_MILLISECONDS,
                )
                self._connection = psycopg.connect(address, autocommit=True)
            return self._connection.execute(query, parameters).fetchall()
        except psycopg.Error as error:
            self.close()
            raise BundleSourceDown(str(error).strip() or type(error).__name__) from error
