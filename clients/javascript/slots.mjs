/** From a prefix and a unit to one of a million slots, and from a slot to its owner. */

import { hash, high } from "./xxh3.mjs";

export const SLOTS = 1_000_000;
const LONGEST_UNIT = 10_240;
const encoder = new TextEncoder();
const HALF_A_PAIR = /\p{Surrogate}/u;

/** The unit's bytes stand at `unitAt`, so that a draw only has to write its prefix before them. */
let buffer = new Uint8Array(512 + LONGEST_UNIT + 32);
let view = new DataView(buffer.buffer);
let unitAt = 512;

export function prefixOf(salt, purpose) {
  const prefix = encoder.encode(`${salt}.${purpose}.`);
  if (prefix.length > unitAt) {
    unitAt = prefix.length;
    buffer = new Uint8Array(unitAt + LONGEST_UNIT + 32);
    view = new DataView(buffer.buffer);
  }
  return prefix;
}

/** Write a unit id into the buffer and return its length in bytes, -1 where it is no valid id. */
export function write(id) {
  if (typeof id !== "string" || id === "" || id.length > LONGEST_UNIT) return -1;
  for (let n = 0; n < id.length; n++) {
    const code = id.charCodeAt(n);
    if (code === 0) return -1;
    if (code > 127) return writeWide(id);
    buffer[unitAt + n] = code;
  }
  return id.length;
}

function writeWide(id) {
  if (HALF_A_PAIR.test(id) || id.includes("\0")) return -1;
  const { read, written } = encoder.encodeInto(id, buffer.subarray(unitAt, unitAt + LONGEST_UNIT));
  return read < id.length ? -1 : written;
}

/** Write more after the first `length` bytes of the unit, and return how many bytes more. */
export const writeAfter = (length, text) => encoder.encodeInto(text, buffer.subarray(unitAt + length)).written;

/** The slot of the unit in the buffer. */
export function draw(prefix, length) {
  const from = unitAt - prefix.length;
  for (let n = 0; n < prefix.length; n++) buffer[from + n] = prefix[n];
  const low = hash(view, from, prefix.length + length);
  return (((high >>> 0) % SLOTS) * 4294967296 + (low >>> 0)) % SLOTS;
}

/** The number of boundaries at or below a slot. */
export function place(boundaries, slot) {
  let from = 0, to = boundaries.length;
  while (from < to) {
    const middle = (from + to) >> 1;
    if (slot < boundaries[middle]) to = middle;
    else from = middle + 1;
  }
  return from;
}

/** Spans [start, end, owner] as boundaries and owners for `place`. */
export function cut(spans) {
  const boundaries = [], owners = [null];
  for (const [start, end, owner] of spans.sort((a, b) => a[0] - b[0])) {
    if (boundaries.length && start < boundaries.at(-1)) throw new Error(`two ranges share slot ${start}`);
    if (boundaries.length && start === boundaries.at(-1)) owners[owners.length - 1] = owner;
    else boundaries.push(start), owners.push(owner);
    boundaries.push(end);
    owners.push(null);
  }
  return { boundaries, owners };
}
