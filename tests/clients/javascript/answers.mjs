/** Reads {bundle, calls: [{units, attributes, at, options}]} and prints what the engine answers to each call. */

import { readFileSync } from "node:fs";

import { assign, compile } from "../../../clients/javascript/engine.mjs";

const { bundle, calls } = JSON.parse(readFileSync(0, "utf8"));
const snapshot = compile(bundle);
console.log(
  JSON.stringify(calls.map(({ units, attributes, at, options }) => assign(snapshot, units, attributes, Date.parse(at), options))),
);
