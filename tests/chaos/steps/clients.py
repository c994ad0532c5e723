"""A12: what the official clients give a shop while the server is gone."""

import json
import subprocess
import time

from config.local import node as local_node
from tests.chaos.ground import FLAG, FLAG_DEFAULT, SHOP_KEY, Ground
from tests.chaos.promises import Finding

CODE_DEFAULT = "the code's own"
LIMIT_SECONDS = 1.0

_WEB = """
import { OpenFeature } from '@openfeature/web-sdk';
import { OFREPWebProvider } from '@openfeature/ofrep-web-provider';
import { createInterface } from 'node:readline';
const [baseUrl, key, flag, fallback] = process.argv.slice(-4);
const provider = new OFREPWebProvider({
  baseUrl, pollInterval: 500, headers: [['Authorization', `Bearer ${key}`]],
});
await OpenFeature.setContext({ targetingKey: 'visitor-1', country: 'DE', orders: 3 });
await OpenFeature.setProviderAndWait(provider);
const client = OpenFeature.getClient();
const tell = () => console.log(JSON.stringify(client.getStringValue(flag, fallback)));
tell();
for await (const _line of createInterface({ input: process.stdin })) tell();
process.exit(0);
"""


def survival(ground: Ground) -> Finding:
    """A12: ask, kill the server, ask again: the web client keeps its value, the Python provider gives the default."""
    away = ground.seconds(5, 600)
    with ground.edges(1) as (edge,):
        served = _by_python(edge.port)
        web = _web_client(edge.port)
        before = _line(web)
        edge.kill()
        began = time.monotonic()
        fallback = _by_python(edge.port)
        took = time.monotonic() - began
        time.sleep(max(0.0, away - took))
        after = _ask(web)
        edge.start()
        edge.wait_until_ready()
        again = _by_python(edge.port)
        if web is not None:
            web.communicate(timeout=20)
    kept = served == again == FLAG_DEFAULT and fallback == CODE_DEFAULT and took <= LIMIT_SECONDS
    told = f"Python provider: the code's default after {took:.2f} s, the served value again afterwards"
    if web is None:
        return Finding(False, f"{told}; web provider not examined: {local_node.how_to_install()}")
    return Finding(
        kept and before == after == FLAG_DEFAULT,
        f"{told}; web provider: {'the same value' if before == after else f'{before!r}, then {after!r}'}"
        f" with the server {away:.0f} s away",
    )


def _by_python(port: int) -> str:
    from openfeature import api
    from openfeature.contrib.provider.ofrep import OFREPProvider
    from openfeature.evaluation_context import EvaluationContext

    provider = OFREPProvider(
        f"http://127.0.0.1:{port}", headers_factory=lambda: {"Authorization": f"Bearer {SHOP_KEY}"}
    )
    api.set_provider(provider, "chaos")
    found = api.get_client("chaos").get_string_value(FLAG, CODE_DEFAULT, EvaluationContext("visitor-1"))
    return str(found)


def _web_client(port: int) -> "subprocess.Popen[str] | None":
    """Return a running web client, None where Node.js or its packages are missing."""
    found = local_node.find()
    if found is None or not local_node.has_packages():
        return None
    command = [found.program, "--input-type=module", "--eval", _WEB, "--"]
    command += [f"http://127.0.0.1:{port}", SHOP_KEY, FLAG, CODE_DEFAULT]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, cwd=local_node.FOLDER, stdin=pipe, stdout=pipe, text=True)


def _ask(web: "subprocess.Popen[str] | None") -> str:
    if web is None or web.stdin is None:
        return ""
    web.stdin.write("\n")
    web.stdin.flush()
    return _line(web)


def _line(web: "subprocess.Popen[str] | None") -> str:
    if web is None or web.stdout is None:
        return ""
    return str(json.loads(web.stdout.readline() or '""'))
