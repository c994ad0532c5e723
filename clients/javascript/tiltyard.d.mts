/** Ids by unit kind: visitor, customer, session, item, store, cluster, store-item. */
export type Units = Record<string, string>;
export type Attributes = Record<string, unknown>;

/** What one experiment gives the units, as POST /v1/assignments says it. */
export interface Assignment {
  experiment: string;
  experiment_id: number | null;
  unit_kind: string | null;
  /** The control where `enrolled` is false, except under OVERRIDE, PREVIEW and BURN_IN. */
  variant: string | null;
  enrolled: boolean;
  reason: string;
  epoch: number;
  probability: number;
  parameters: Record<string, unknown>;
  slots: [number | null, number | null, number | null];
  period?: number;
  budget?: number;
}

export interface Answer {
  assignments: Assignment[];
  decision_id: string | null;
  decision_token: string | null;
  bundle_version: number | null;
  source: string | null;
  metadata: Record<string, string>;
  /** "server"; "cache", the last answer to the same units; "none": use your defaults. */
  from: "server" | "cache" | "none";
}

export interface AssignOptions {
  /** Keys of experiments; null for all that concern the units. */
  experiments?: string[] | null;
  /** false where the shopper switched personalisation off. */
  personalised?: boolean;
}

export interface EventSettings {
  /** The address of the edge, such as https://edge.example.com. */
  url: string;
  queueLimit?: number;
  batchSize?: number;
  flushSeconds?: number;
  timeoutSeconds?: number;
}

/** What browsers call localStorage. With the optional members, answers that are too old are removed from it. */
export interface KeepsTexts {
  readonly length?: number;
  key?(place: number): string | null;
  removeItem?(name: string): void;
  getItem(name: string): string | null;
  setItem(name: string, text: string): void;
}

export interface RemoteSettings extends EventSettings {
  /** An API key of kind client. */
  clientKey: string;
  /** How long the last answers may stand in for the server; 86 400 unless told otherwise. */
  keepSeconds?: number;
  /** localStorage unless told otherwise; null keeps answers in memory alone. */
  storage?: KeepsTexts | null;
}

export declare class Reporter {
  /** Report an event such as Order Completed; whether it is on its way. */
  track(event: string, units: Units, properties?: Record<string, unknown>): boolean;
  identify(units: Units, traits?: Record<string, unknown>): boolean;
  alias(visitor: string, customer: string): boolean;
  /** Send what waits; whether the server took all of it within the seconds. */
  flush(seconds?: number): Promise<boolean>;
  close(seconds?: number): Promise<boolean>;
}

export declare class RemoteClient extends Reporter {
  constructor(settings: RemoteSettings);
  /** Never rejects, and takes no longer than timeoutSeconds. Enrols nobody. */
  assign(units: Units, attributes?: Attributes, options?: AssignOptions): Promise<Answer>;
  /** Report that the units met what an answer gave them in one experiment, once. */
  expose(given: Answer, experiment: string, units: Units): boolean;
}

/** The parameter of that name which the assignments give; the fallback where none does. */
export declare function parameter<T>(assignments: Assignment[], name: string, fallback: T): T;
