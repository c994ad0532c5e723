// Drives an official OpenFeature provider by commands on standard input, one JSON object a line, and answers each with
// one line. `web` and `server` as the first argument choose the SDK.
import readline from "node:readline";

const memory = new Map();
globalThis.localStorage = {
  getItem: (name) => memory.get(name) ?? null,
  setItem: (name, value) => void memory.set(name, value),
  removeItem: (name) => void memory.delete(name),
};

const isWeb = process.argv[2] === "web";
const { OpenFeature, ProviderEvents } = await import(isWeb ? "@openfeature/web-sdk" : "@openfeature/server-sdk");
const { OFREPWebProvider } = isWeb ? await import("@openfeature/ofrep-web-provider") : {};
const { OFREPProvider } = isWeb ? {} : await import("@openfeature/ofrep-provider");

const events = {};
for (const event of Object.values(ProviderEvents)) {
  OpenFeature.addHandler(event, () => {
    events[event] = (events[event] ?? 0) + 1;
  });
}

const asked = { boolean: "Boolean", string: "String", number: "Number", object: "Object" };
let context = {};

async function details(key, fallback) {
  const client = OpenFeature.getClient();
  const found = await client[`get${asked[typeof fallback]}Details`](key, fallback, ...(isWeb ? [] : [context]));
  const { value, variant, reason, errorCode, errorMessage, flagMetadata } = found;
  return { value, variant, reason, errorCode, errorMessage, metadata: flagMetadata };
}

const actions = {
  async start({ url, key, pollInterval }) {
    const options = { baseUrl: url, headers: [["Authorization", `Bearer ${key}`]], pollInterval };
    try {
      await OpenFeature.setProviderAndWait(isWeb ? new OFREPWebProvider(options) : new OFREPProvider(options));
      return { ready: true };
    } catch (error) {
      return { ready: false, error: `${error}` };
    }
  },
  async context(command) {
    context = command.context;
    if (isWeb) {
      await OpenFeature.setContext(context);
    }
    return {};
  },
  async read({ flags }) {
    const began = performance.now();
    const found = {};
    for (const [key, fallback] of Object.entries(flags)) {
      found[key] = await details(key, fallback);
    }
    return { found, seconds: (performance.now() - began) / 1000 };
  },
  async wait({ event, seconds }) {
    const before = events[event] ?? 0;
    const until = performance.now() + 1000 * seconds;
    while ((events[event] ?? 0) === before && performance.now() < until) {
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    return { happened: (events[event] ?? 0) > before, events };
  },
};

for await (const line of readline.createInterface({ input: process.stdin })) {
  const command = JSON.parse(line);
  process.stdout.write(`${JSON.stringify(await actions[command.do](command))}\n`);
}
await OpenFeature.close();
process.exit(0);
