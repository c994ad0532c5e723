/**
 * Tiltyard for browsers (and wherever else a client key is used): one file without dependencies.
 *
 * The server evaluates, so that rules never reach a browser; this asks it, remembers its last answers, and reports
 * exposures and events. Nothing here throws into the shop's code, apart from the constructor, which refuses settings
 * that cannot work. A server of the shop that evaluates by itself imports local.mjs.
 */

const LARGEST_BODY = 900_000;
const LARGEST_BEACON = 60_000;
const LARGEST_MESSAGE = 32_768; // Bytes: the server takes no larger one, and no browser keeps more than 64 KiB alive.
const MOST_KEPT = 20;
const PREFIX = "tiltyard:";
const encoder = new TextEncoder();
const FINAL = new Set([400, 403, 404, 405, 413, 415, 422]);
export const pause = (ms) => new Promise((resolve) => unref(setTimeout(resolve, ms)));
export const unref = (timer) => (timer?.unref?.(), timer);
export const pauseOf = (reply) => Math.min(Number(reply.headers.get("Retry-After")) || 0, 300) * 1000;
export const isPage = () => typeof document !== "undefined" && typeof window !== "undefined";

function identifier() {
  if (globalThis.crypto?.randomUUID) return crypto.randomUUID();
  const some = globalThis.crypto?.getRandomValues?.(new Uint8Array(16)) ?? Array.from({ length: 16 }, () => Math.random() * 256);
  return Array.from(some, (byte) => (byte & 255).toString(16).padStart(2, "0")).join("");
}

async function packed(text) {
  const stream = new Blob([text]).stream().pipeThrough(new CompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

function message(type, units, members, at) {
  const { visitor, customer } = units ?? {};
  return {
    type, messageId: identifier(), timestamp: new Date(at).toISOString(),
    ...(visitor ? { anonymousId: visitor } : {}), ...(customer ? { userId: customer } : {}), ...members,
  };
}

export function trackMessage(event, units, properties, at) {
  const { session, item, store } = units ?? {};
  const named = { session_id: session, product_id: item, store_id: store };
  for (const name of Object.keys(named)) if (!named[name]) delete named[name];
  return message("track", units, { event, properties: { ...named, ...properties } }, at);
}

/** Messages on their way: a message keeps its id however often it is sent, so that a retry counts once. */
class Outbox {
  constructor(url, key, { queueLimit, batchSize, flushSeconds, timeoutSeconds }, now) {
    this.counts = { stored: 0, rejected: 0, dropped: 0 };
    this.error = null;
    Object.assign(this, { url, key, queueLimit, batchSize, now });
    this.flushMs = flushSeconds * 1000;
    this.timeoutMs = timeoutSeconds * 1000;
    this.waiting = [];
    this.inFlight = 0;
    this.failures = 0;
    this.notBefore = 0;
    this.timer = null;
    this.sending = null;
    this.seen = new Set();
    this.onHidden = () => document.visibilityState === "hidden" && this.beacon();
    this.onLeave = () => this.beacon();
    if (isPage()) {
      document.addEventListener("visibilitychange", this.onHidden);
      window.addEventListener("pagehide", this.onLeave);
    }
  }

  /** Put a message into the queue; say whether there was room and it has a form in which it can travel. */
  add(made) {
    let text;
    try {
      text = JSON.stringify(made);
    } catch {
      text = undefined;
    }
    const fits = text !== undefined && encoder.encode(text).length <= LARGEST_MESSAGE;
    if (!fits || this.waiting.length + this.inFlight >= this.queueLimit) {
      this.counts.dropped += 1;
      return false;
    }
    this.waiting.push(text);
    if (this.waiting.length >= this.batchSize && Date.now() >= this.notBefore) void this.send();
    else this.later(this.flushMs);
    return true;
  }

  /** Report what bears this mark unless it was reported already; `limit` marks are remembered. */
  once(mark, make, limit = 100_000) {
    if (this.seen.has(mark)) return true;
    if (!this.add(make())) return false;
    this.seen.add(mark);
    if (this.seen.size > limit) this.seen.delete(this.seen.values().next().value);
    return true;
  }

  later(ms) {
    this.timer ??= unref(setTimeout(() => {
      this.timer = null;
      // A refusal may have come since this was set: the server is then left alone for as long as it asked.
      if (Date.now() < this.notBefore) this.later(0);
      else void this.send();
    }, Math.max(ms, this.notBefore - Date.now())));
  }

  body(texts) {
    return `{"writeKey":${JSON.stringify(this.key)},"batch":[${texts.join(",")}],"sentAt":"${new Date(this.now()).toISOString()}"}`;
  }

  take(largest) {
    let size = 0, count = 0;
    while (count < Math.min(this.waiting.length, this.batchSize)) {
      size += 3 * this.waiting[count].length;
      if (count && size > largest) break;
      count += 1;
    }
    return this.waiting.splice(0, count);
  }

  /** Send one batch after the other until the queue is empty or the server does not take them. */
  send() {
    this.sending ??= this.sendAll().finally(() => (this.sending = null));
    return this.sending;
  }

  async sendAll() {
    while (this.waiting.length) {
      const batch = this.take(isPage() ? LARGEST_BEACON : LARGEST_BODY);
      this.inFlight = batch.length;
      const after = await this.post(batch);
      this.inFlight = 0;
      if (after === null) {
        this.failures = this.notBefore = 0;
        continue;
      }
      this.waiting.unshift(...batch);
      this.failures += 1;
      const wait = after || Math.min(30_000, 250 * 2 ** Math.min(this.failures, 10)) * (0.8 + 0.4 * Math.random());
      this.notBefore = Date.now() + wait;
      this.later(wait);
      return;
    }
  }

  /** Send a batch; null where it is done with, else after how many milliseconds to try again, 0 for a guess. */
  async post(batch) {
    try {
      const text = this.body(batch);
      // A plain text needs no preflight in a browser; the server looks at the bytes alone.
      const headers = { "Content-Type": "text/plain" };
      const isPacked = !isPage() && text.length > 1_000 && typeof CompressionStream === "function";
      if (isPacked) headers["Content-Encoding"] = "gzip";
      const reply = await fetch(`${this.url}/v1/batch`, {
        method: "POST", headers, body: isPacked ? await packed(text) : text, keepalive: isPage(), credentials: "omit",
        redirect: "error", signal: AbortSignal.timeout(this.timeoutMs),
      });
      if (reply.ok) {
        const { rejected = 0 } = await reply.json().catch(() => ({}));
        this.counts.rejected += rejected;
        this.counts.stored += batch.length - rejected;
        this.error = null;
        return null;
      }
      void reply.body?.cancel?.();
      this.error = `the server answers ${reply.status}`;
      if (FINAL.has(reply.status)) {
        this.counts.rejected += batch.length;
        return null;
      }
      return pauseOf(reply);
    } catch (error) {
      this.error = `the server does not answer: ${error?.message ?? error}`;
      return 0;
    }
  }

  /** Hand what waits to the browser, which sends it though the page goes away. */
  beacon() {
    while (this.waiting.length && navigator.sendBeacon) {
      const batch = this.take(LARGEST_BEACON);
      if (!navigator.sendBeacon(`${this.url}/v1/batch`, new Blob([this.body(batch)], { type: "text/plain" }))) {
        this.waiting.unshift(...batch);
        return;
      }
      this.counts.stored += batch.length;
    }
  }

  /** Send what waits; say whether the server took all of it within the milliseconds. */
  async flush(ms) {
    const until = Date.now() + ms;
    while (this.waiting.length + this.inFlight && Date.now() < until) {
      const isOver = pause(until - Date.now());
      await Promise.race([this.send(), isOver]);
      if (this.waiting.length) await Promise.race([new Promise((resolve) => setTimeout(resolve, 250)), isOver]);
    }
    return this.waiting.length + this.inFlight === 0;
  }

  close() {
    clearTimeout(this.timer);
    if (isPage()) {
      document.removeEventListener("visibilitychange", this.onHidden);
      window.removeEventListener("pagehide", this.onLeave);
    }
  }
}

const DEFAULTS = { queueLimit: 10_000, batchSize: 500, flushSeconds: 1, timeoutSeconds: 2 };

export function settingsOf(settings, kind, key) {
  const made = { ...DEFAULTS, ...settings };
  if (!/^https?:\/\//.test(made.url ?? "")) throw new TypeError(`url must begin with http:// or https://, got ${made.url}`);
  if (!String(key).startsWith(`ty_${kind}_`)) throw new TypeError(`the key must be an API key of kind ${kind}`);
  return { ...made, url: made.url.replace(/\/+$/, "") };
}

/** What both clients report. */
export class Reporter {
  constructor(settings, key, now) {
    this.settings = settings;
    this.now = now;
    this.outbox = new Outbox(settings.url, key, settings, now);
  }

  /** Report an event such as Order Completed; say whether it is on its way. */
  track(event, units, properties = {}) {
    return this.outbox.add(trackMessage(event, units, properties, this.now()));
  }

  /** Report traits of a visitor or customer. */
  identify(units, traits = {}) {
    return this.outbox.add(message("identify", units, { traits }, this.now()));
  }

  /** Report that a visitor logged in as a customer. */
  alias(visitor, customer) {
    return this.outbox.add(message("alias", { customer }, { previousId: visitor }, this.now()));
  }

  flush(seconds = 2) {
    return this.outbox.flush(seconds * 1000);
  }
}

export const markOf = (given, units) =>
  JSON.stringify([given.experiment_id, given.epoch, given.variant, units?.[given.unit_kind], given.period]);

/** Asks the server, with a client key; answers from its last answers while the server does not. */
export class RemoteClient extends Reporter {
  constructor(settings) {
    const made = settingsOf(
      { keepSeconds: 86_400, batchSize: 100, timeoutSeconds: 1, storage: undefined, ...settings },
      "client", settings?.clientKey,
    );
    super(made, made.clientKey, () => Date.now());
    this.kept = new Map();
    this.quietUntil = 0;
    try {
      this.storage = made.storage === undefined ? globalThis.localStorage ?? null : made.storage;
    } catch {
      this.storage = null; // A browser may refuse the very look at it.
    }
    this.tidy();
  }

  /**
   * What each experiment gives the units, as POST /v1/assignments answers it, with `from`: "server", "cache" (the last
   * answer to the same units) or "none" (use your defaults). Never rejects, and takes no longer than timeoutSeconds.
   */
  async assign(units, attributes = {}, { experiments = null, personalised = true } = {}) {
    let name = null;
    try {
      name = nameOf([this.settings.url, sorted(units), experiments, personalised]);
      if (Date.now() < this.quietUntil) throw new Error("the server has asked to be left alone");
      const reply = await fetch(`${this.settings.url}/v1/assignments`, {
        method: "POST",
        headers: { Authorization: `Bearer ${this.settings.clientKey}`, "Content-Type": "application/json" },
        body: JSON.stringify({ units, attributes, experiments, personalised }),
        credentials: "omit", redirect: "error",
        signal: AbortSignal.timeout(this.settings.timeoutSeconds * 1000),
      });
      if (reply.status === 429) this.quietUntil = Date.now() + pauseOf(reply);
      if (reply.ok) {
        const found = await reply.json();
        if (found.bundle_version !== null) {
          this.keep(name, found);
          return { ...found, from: "server" };
        }
      }
    } catch {
      // Below is what a shopper gets whatever went wrong.
    }
    const last = this.recall(name);
    if (last) return { ...last, from: "cache" };
    return {
      assignments: [], decision_id: null, decision_token: null, bundle_version: null, source: null, metadata: {},
      from: "none",
    };
  }

  /** Report that the units met what an answer gave them in one experiment, once. */
  expose(given, experiment, units) {
    const found = given?.assignments?.find((entry) => entry.experiment === experiment);
    if (!found?.enrolled || !given.decision_token) return false;
    return this.outbox.once(markOf(found, units), () =>
      trackMessage("Experiment Viewed", units, { experiment, decision_token: given.decision_token }, this.now()));
  }

  async close(seconds = 2) {
    const isEmpty = await this.flush(seconds);
    this.outbox.close();
    return isEmpty;
  }

  keep(name, found) {
    const text = JSON.stringify({ at: Date.now(), found });
    this.kept.set(name, text);
    if (this.kept.size > 1_000) this.kept.delete(this.kept.keys().next().value);
    this.tidy(name);
    try {
      this.storage?.setItem(name, text);
    } catch {
      // Full or forbidden: what is in memory serves this page.
    }
  }

  /** Remove answers that are too old from the storage, and all but the latest: it is the shop's, and small. */
  tidy(but = null) {
    try {
      const { storage } = this;
      if (!storage?.removeItem) return;
      const names = Array.from({ length: storage.length ?? 0 }, (_, place) => storage.key(place));
      const held = names.filter((name) => name?.startsWith(PREFIX) && name !== but)
        .map((name) => [ageOf(storage.getItem(name)), name]).sort(([a], [b]) => a - b);
      held.forEach(([age, name], place) => {
        if (place >= MOST_KEPT - 1 || !(age <= this.settings.keepSeconds * 1000)) storage.removeItem(name);
      });
    } catch {
      // Forbidden: then nothing is kept there either.
    }
  }

  recall(name) {
    try {
      const text = this.kept.get(name) ?? this.storage?.getItem(name);
      return text && ageOf(text) <= this.settings.keepSeconds * 1000 ? JSON.parse(text).found : null;
    } catch {
      return null;
    }
  }
}

/** How many milliseconds old a kept answer is; endless where it is none, or from the future. */
function ageOf(text) {
  try {
    const age = Date.now() - JSON.parse(text).at;
    return age >= 0 ? age : Infinity;
  } catch {
    return Infinity;
  }
}

/** A name for what is kept that does not tell ids to whoever reads the storage. */
function nameOf(asked) {
  let [a, b] = [0x811c9dc5, 0x9e3779b9];
  for (const char of JSON.stringify(asked)) {
    a = Math.imul(a ^ char.codePointAt(0), 0x01000193);
    b = Math.imul(b + char.codePointAt(0), 0x85ebca6b) ^ (b >>> 13);
  }
  return `${PREFIX}${[a, b].map((half) => (half >>> 0).toString(16)).join("-")}`;
}

const sorted = (units) => Object.entries(units ?? {}).sort(([a], [b]) => (a < b ? -1 : 1));

/** The parameter of that name which an answer's assignments give; the fallback where none does. */
export function parameter(assignments, name, fallback) {
  for (const { parameters } of assignments) if (Object.hasOwn(parameters, name)) return parameters[name];
  return fallback;
}
