/**
 * A shop's server with a LocalClient. Arguments: settings as JSON, and a file for the bundle.
 *
 * Reads commands as JSON, one a line, and prints one line for each: its result.
 */

import { readFileSync, writeFileSync } from "node:fs";
import { createInterface } from "node:readline";

import { LocalClient } from "../../../clients/javascript/local.mjs";

const [settings, file] = process.argv.slice(2);
const storage = file && {
  read: () => {
    try {
      return readFileSync(file, "utf8");
    } catch {
      return null;
    }
  },
  write: (text) => writeFileSync(file, text, { mode: 0o600 }),
};
const client = new LocalClient({ ...JSON.parse(settings), storage: storage || null });
for await (const line of createInterface({ input: process.stdin })) {
  const [method, ...given] = JSON.parse(line);
  console.log(JSON.stringify(await client[method](...given)));
}
