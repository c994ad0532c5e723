/** Compares the engine with the golden vectors; the rest of the million by its digest. Arguments: file, count. */

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";

import { assign, compile } from "../../../clients/javascript/engine.mjs";

const [path, count] = process.argv.slice(2);
const golden = JSON.parse(readFileSync(path, "utf8"));
const snapshot = compile(golden.bundle);
const keys = golden.bundle.experiments.map((experiment) => experiment.key);
const variants = Object.fromEntries(golden.bundle.experiments.map((e) => [e.key, e.variants.map((v) => v.key)]));
const at = Date.parse(golden.at);

const unitOf = (n) =>
  golden.templates[n % 10].replace("{h}", (Math.imul(n, 2654435761) >>> 0).toString(16).padStart(8, "0"));

function attributesOf(n) {
  const country = ["DE", "CN", null][n % 3];
  return country ? { orders: n % 7, country } : { orders: n % 7 };
}

function codeOf({ experiment, variant, reason }) {
  return reason === "SPLIT" ? "abcdefghij"[variants[experiment].indexOf(variant)] : String(golden.reasons.indexOf(reason));
}

const codes = (visitor, attributes) =>
  assign(snapshot, { visitor }, attributes, at, { experiments: keys }).map(codeOf);
const vectors = (from, to) => {
  const found = keys.map(() => []);
  for (let n = from; n < to; n++) codes(unitOf(n), attributesOf(n)).forEach((code, at) => found[at].push(code));
  return found.map((column) => column.join(""));
};

const first = vectors(0, 10_000);
const differing = keys.filter((key, position) => first[position] !== golden.outcomes[key]);
const special = golden.special.filter(({ id, codes: expected }) => {
  const isRepeated = id !== null && typeof id === "object" && !Array.isArray(id);
  return codes(isRepeated ? id.repeat[0].repeat(id.repeat[1]) : id, {}).join("") !== expected;
});
const digest = createHash("sha256");
for (let start = 0; start < Number(count); start += 10_000) {
  vectors(start, start + 10_000).forEach((column, at) => digest.update(`${keys[at]}:${column}\n`));
}
console.log(JSON.stringify({ differing, special, sha256: digest.digest("hex") }));
