/** As local_client.mjs, with a RemoteClient and a storage like that of a browser. Arguments: settings as JSON. */

import { createInterface } from "node:readline";

import { RemoteClient } from "../../../clients/javascript/tiltyard.mjs";

const kept = new Map();
const storage = {
  get length() {
    return kept.size;
  },
  key: (place) => [...kept.keys()][place] ?? null,
  getItem: (name) => kept.get(name) ?? null,
  setItem: (name, text) => void kept.set(name, text),
  removeItem: (name) => void kept.delete(name),
};
kept.set("cart of the shop", "[]");
const settings = { storage, ...JSON.parse(process.argv[2]) };
let client = new RemoteClient(settings);
const others = {
  newPage: () => void (client = new RemoteClient(settings)),
  names: () => [...kept.keys()],
  keepFor: (seconds) => void (settings.keepSeconds = seconds),
  counts: () => ({ ...client.outbox.counts, waiting: client.outbox.waiting.length }),
};
for await (const line of createInterface({ input: process.stdin })) {
  const [method, ...given] = JSON.parse(line);
  console.log(JSON.stringify((await (others[method] ?? client[method].bind(client))(...given)) ?? null));
}
