"""An edge process that all tests of the folder share, and clients that end with their test."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.clients.ofrep.site import FlagSite, NodeClient


@pytest.fixture(scope="module")
def flag_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FlagSite]:
    """Return a running edge with flags."""
    site = FlagSite(tmp_path_factory.mktemp("flags"))
    site.start()
    yield site
    site.kill()


@pytest.fixture
def make_client(node: str, node_packages: Path) -> Iterator[Callable[[str], NodeClient]]:
    """Return a function that makes a JavaScript client, `web` or `server`."""
    with ExitStack() as running:

        def make(kind: str) -> NodeClient:
            client = NodeClient(node, kind)
            running.callback(client.close)
            return client

        yield make
