/** Sends golden payloads with the official Segment library for Node. Arguments: address, write key, payload file. */

import { readFileSync } from "node:fs";

import { Analytics } from "@segment/analytics-node";

const [host, writeKey, path] = process.argv.slice(2);
const analytics = new Analytics({ host, writeKey, flushAt: 10, flushInterval: 200, maxRetries: 10 });
const failures = [];
analytics.on("error", (error) => failures.push(String(error.reason ?? error.code)));
const delivered = [];
const callback = (error, context) => (error ? failures.push(String(error)) : delivered.push(context.event.messageId));
const who = { anonymousId: "v-node", userId: "c-node" };
for (const [event, properties] of JSON.parse(readFileSync(path, "utf8"))) {
  analytics.track({ ...who, event, properties }, callback);
}
analytics.identify({ ...who, traits: { country: "DE", email: "someone@example.com" } }, callback);
analytics.alias({ previousId: "v-node", userId: "c-node" }, callback);
analytics.page({ ...who, name: "Home" }, callback);
await analytics.closeAndFlush({ timeout: 60_000 });
console.log(JSON.stringify({ delivered, failures }));
