/** Measures the JavaScript clients. Arguments: local or remote, address, API key, pages. Prints one JSON object. */

const [kind, url, key, pages] = process.argv.slice(2);
const started = performance.now();
const { LocalClient } = await import("../clients/javascript/local.mjs");
const { RemoteClient } = await import("../clients/javascript/tiltyard.mjs");

const attributes = { country: "DE", orders: 3 };
const unitsOf = (n) => ({ visitor: `8f14e45f-ceea-467f-a8f3-${String(n).padStart(12, "0")}` });
const isLocal = kind === "local";
const client = isLocal
  ? new LocalClient({ url, serverKey: key, queueLimit: 2_000_000, flushSeconds: 3_600, batchSize: 1_000_000 })
  : new RemoteClient({ url, clientKey: key, timeoutSeconds: 10, storage: null });
if (isLocal && !(await client.ready(30))) throw new Error("the server gave no bundle");
const first = await client.assign(unitsOf(0), attributes);
const coldMs = performance.now() - started;
const firstCount = isLocal ? first.length : first.assignments.length;

const added = [];
for (let page = 0; page < Number(pages); page++) {
  const units = unitsOf(page);
  const from = performance.now();
  if (isLocal) {
    const found = client.assign(units, attributes);
    client.expose(found[0], units, attributes);
  } else {
    await client.assign(units, attributes);
  }
  added.push(performance.now() - from);
}
added.sort((a, b) => a - b);
const at = (share) => Number(added[Math.min(added.length - 1, Math.floor(added.length * share))].toFixed(4));

let perSecond = null;
if (isLocal) {
  const rates = [];
  for (let run = 0; run < 7; run++) {
    const from = process.cpuUsage();
    for (let n = 0; n < 5_000; n++) client.assign(unitsOf(n), attributes);
    const { user, system } = process.cpuUsage(from);
    rates.push(5_000 / ((user + system) / 1e6));
  }
  perSecond = Math.round(rates.sort((a, b) => a - b)[3]);
}
console.log(
  JSON.stringify({
    experiments: firstCount, first_answer_ms: Number(coldMs.toFixed(1)), page_ms: { p50: at(0.5), p99: at(0.99) }, calls_per_second: perSecond,
  }),
);
process.exit(0);
