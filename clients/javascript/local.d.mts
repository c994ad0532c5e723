import type { AssignOptions, Assignment, Attributes, EventSettings, Units } from "./tiltyard.mjs";
import { Reporter } from "./tiltyard.mjs";

export { parameter } from "./tiltyard.mjs";
export type { AssignOptions, Assignment, Attributes, Units } from "./tiltyard.mjs";

export interface LocalSettings extends EventSettings {
  /** An API key of kind server. */
  serverKey: string;
  /** How often the server is asked for a newer bundle, give or take a fifth. */
  pollSeconds?: number;
  /** Keeps the last good bundle between processes. */
  storage?: { read(): string | null | Promise<string | null>; write(text: string): unknown } | null;
}

export interface LocalStatus {
  version: number | null;
  isFromStorage: boolean;
  secondsSinceServer: number | null;
  bundleError: string | null;
  eventError: string | null;
  waiting: number;
  events: { stored: number; rejected: number; dropped: number };
}

export declare class LocalClient extends Reporter {
  constructor(settings: LocalSettings);
  /** Whether there is a bundle, after the server's first answer or the seconds. Never rejects. */
  ready(seconds?: number): Promise<boolean>;
  /** Never throws. Enrols nobody. */
  assign(units: Units, attributes?: Attributes, options?: AssignOptions): Assignment[];
  /** Report that the units met the variant, once; with what they were assigned with. */
  expose(given: Assignment, units: Units, attributes?: Attributes, options?: { personalised?: boolean }): boolean;
  status(): LocalStatus;
}

export interface Snapshot {
  readonly version: number;
  readonly projectId: number;
}

/** A bundle's content, parsed from JSON, ready for `assign`. Throws where it cannot be read. */
export declare function compile(content: unknown): Snapshot;
/** What each experiment gives the units at a moment, in milliseconds of project time. */
export declare function assign(
  snapshot: Snapshot, units: Units, attributes: Attributes, at: number, options?: AssignOptions,
): Assignment[];
