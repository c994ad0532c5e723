/**
 * Tiltyard for servers of a shop: experiments evaluated in this process, events reported in the background.
 *
 * Nothing here throws into the shop's code, apart from the constructor, which refuses settings that cannot work.
 */

import { assign, compile, nothing } from "./engine.mjs";
import { Reporter, isPage, markOf, pause, pauseOf, settingsOf, trackMessage, unref } from "./tiltyard.mjs";

export { assign, compile } from "./engine.mjs";
export { parameter } from "./tiltyard.mjs";

const encoder = new TextEncoder();

/** Evaluates in a server process of the shop, with a server key. */
export class LocalClient extends Reporter {
  /**
   * `storage` keeps the last good bundle between processes: { read(): text or null, write(text) }, both may be async.
   */
  constructor(settings) {
    if (isPage()) throw new TypeError("a LocalClient holds the rules: use a RemoteClient in browsers");
    const made = settingsOf({ pollSeconds: 5, storage: null, ...settings }, "server", settings?.serverKey);
    super(made, made.serverKey, () => this.projectTime());
    this.held = null;
    this.digest = null;
    this.refused = null;
    this.isFromStorage = false;
    this.answeredAt = null;
    this.newestAt = 0;
    this.clock = null;
    this.bundleError = null;
    this.isClosed = false;
    this.first = this.begin();
  }

  /** Whether there is a bundle, after the server's first answer or the seconds. Never rejects. */
  async ready(seconds = 1) {
    await Promise.race([this.first, pause(seconds * 1000)]);
    return this.held !== null;
  }

  /** What each experiment gives the units now; see `assign`. Where there is no bundle, nothing is known. */
  assign(units, attributes = {}, { experiments = null, personalised = true } = {}) {
    if (!this.held) return (experiments ?? []).map((key) => nothing(key, "BUNDLE_MISSING"));
    return assign(this.held, units, attributes, this.projectTime(), { experiments, personalised });
  }

  /**
   * Report that the units met the variant, once. Units, attributes and `personalised` must be those that were assigned
   * with: the server computes the assignment again from them. Who is not enrolled is not reported.
   */
  expose(given, units, attributes = {}, { personalised = true } = {}) {
    if (!given?.enrolled) return false;
    const { experiment, variant } = given;
    return this.outbox.once(markOf(given, units), () =>
      trackMessage("Experiment Viewed", units, { experiment, variant, attributes, personalised }, this.now()));
  }

  /** How the client is doing, for probes and logs. */
  status() {
    return {
      version: this.held?.version ?? null, isFromStorage: this.isFromStorage,
      secondsSinceServer: this.answeredAt === null ? null : (performance.now() - this.answeredAt) / 1000,
      bundleError: this.bundleError, eventError: this.outbox.error,
      waiting: this.outbox.waiting.length + this.outbox.inFlight, events: { ...this.outbox.counts },
    };
  }

  /** Flush and ask for no more bundles; assigning goes on from the last one. */
  async close(seconds = 2) {
    this.isClosed = true;
    clearTimeout(this.timer);
    const isEmpty = await this.flush(seconds);
    this.outbox.close();
    return isEmpty;
  }

  projectTime() {
    const { clock } = this;
    return clock ? clock.project + (performance.now() - clock.at) * clock.speed : Date.now();
  }

  async begin() {
    try {
      const kept = JSON.parse((await this.settings.storage?.read()) ?? "null");
      if (kept) {
        await this.open(kept.content, kept.digest);
        const project = kept.project + (Date.now() - kept.wall) * kept.speed;
        this.clock = { project, at: performance.now(), speed: kept.speed };
        this.isFromStorage = true;
      }
    } catch (error) {
      this.bundleError = `the bundle that was kept cannot be used: ${error?.message ?? error}`;
    }
    await this.poll();
  }

  async poll() {
    let wait = 0;
    try {
      wait = await this.refresh();
    } catch (error) {
      this.bundleError = String(error?.message ?? error);
    }
    if (this.isClosed) return;
    const ms = (wait || this.settings.pollSeconds * 1000) * (0.8 + 0.4 * Math.random());
    this.timer = unref(setTimeout(() => void this.poll(), ms));
  }

  /** Ask the server once; return after how many milliseconds it wants to be asked again, 0 where it does not say. */
  async refresh() {
    const tags = [this.digest, this.refused].filter(Boolean);
    const reply = await fetch(`${this.settings.url}/v1/bundle`, {
      headers: {
        Authorization: `Bearer ${this.settings.serverKey}`,
        ...(tags.length ? { "If-None-Match": tags.map((tag) => `"${tag}"`).join(", ") } : {}),
      },
      redirect: "error",
      signal: AbortSignal.timeout(this.settings.timeoutSeconds * 1000),
    });
    if (reply.status !== 200 && reply.status !== 304) {
      void reply.body?.cancel?.();
      this.bundleError = `the server answers ${reply.status}`;
      return pauseOf(reply);
    }
    const clock = {
      project: Date.parse(reply.headers.get("Tiltyard-Time")), at: performance.now(),
      speed: Number(reply.headers.get("Tiltyard-Speed")) || 1,
    };
    if (Number.isNaN(clock.project)) throw new Error("the answer does not say what time it is in the project");
    const digest = (reply.headers.get("ETag") ?? "").replace(/^"|(-gzip)?"$/g, "");
    if (reply.status === 304) {
      if (digest === this.digest) this.confirm(clock);
      return 0;
    }
    const content = await reply.text();
    try {
      if (!(await this.open(content, digest))) return 0;
    } catch (error) {
      this.refused = digest;
      throw new Error(`the bundle of the server cannot be used: ${error?.message ?? error}`, { cause: error });
    }
    this.refused = null;
    this.confirm(clock);
    const { project, speed } = clock;
    await this.settings.storage?.write(JSON.stringify({ content, digest, project, speed, wall: Date.now() }));
    return 0;
  }

  confirm(clock) {
    this.clock = clock;
    this.answeredAt = this.newestAt = performance.now();
    this.isFromStorage = false;
    this.bundleError = this.refused ? this.bundleError : null;
  }

  /** Take a content into use; false where it is older than what is in use and a server process may only lag behind. */
  async open(content, digest) {
    if (globalThis.crypto?.subtle) {
      const sum = new Uint8Array(await crypto.subtle.digest("SHA-256", encoder.encode(content)));
      const found = Array.from(sum, (byte) => byte.toString(16).padStart(2, "0")).join("");
      if (found !== digest) throw new Error("the content does not have the digest it was published with");
    }
    const fresh = compile(JSON.parse(content));
    const isOlder = this.held?.projectId === fresh.projectId && fresh.version < this.held.version;
    if (isOlder && performance.now() - this.newestAt < 60_000) return false;
    [this.held, this.digest] = [fresh, digest];
    return true;
  }
}
