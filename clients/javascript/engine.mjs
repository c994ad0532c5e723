/**
 * Assignment: a pure function of a compiled bundle, units, attributes and a moment, bit-equal to the server's.
 *
 * Order for each experiment: running, override, started, personalisation, holdout, layer, audience, coverage, blackout,
 * variant.
 */

import { audience, required } from "./audience.mjs";
import { SLOTS, cut, draw, place, prefixOf, write, writeAfter } from "./slots.mjs";

const SCHEMAS = [1, 2, 3];
const MINUTE = 60_000;
const KNOWN = new Set(
  ("id key status salt unit_kind layer layer_ranges holdout audience coverage epoch epoch_opened_at personalised " +
    "variants overrides sticky period budget").split(" "),
);
const KNOWN_OF_PERIODS = new Set("minutes anchor design burn_in block blackouts".split(" "));
const REFUSALS = (
  "NOT_RUNNING NOT_STARTED UNIT_MISSING UNIT_INVALID HOLDOUT LAYER_TAKEN AUDIENCE COVERAGE BLACKOUT ARM_CLOSED " +
  "PERSONALISATION_OFF REMOTE_ONLY ENGINE_ERROR"
).split(" ");

/** The answer where nothing is known of an experiment. */
export const nothing = (key, reason) => ({
  experiment: String(key), experiment_id: null, unit_kind: null, variant: null, enrolled: false, reason, epoch: 0,
  probability: 0, parameters: {}, slots: [null, null, null],
});

function deepFreeze(value) {
  if (value && typeof value === "object") Object.values(value).forEach(deepFreeze);
  return Object.freeze(value);
}

function compilePeriod(period, salt) {
  if (!period) return null;
  const isBalanced = period.design === "BALANCED";
  const anchor = Date.parse(period.anchor);
  if (!(period.minutes > 0) || Number.isNaN(anchor)) throw new Error("a period has no length or no beginning");
  return {
    anchor, length: period.minutes * MINUTE, burnIn: period.burn_in * MINUTE, block: isBalanced ? period.block : 1,
    prefix: prefixOf(salt, isBalanced ? "period" : "variant"),
    blackouts: period.blackouts ?? [],
  };
}

const knowsNot = (known, record) => Object.keys(record ?? {}).some((member) => !known.has(member));

function compileExperiment(entry, layers) {
  const { id, key, unit_kind, epoch, salt } = entry;
  const give = (variant, enrolled, reason) => ({
    experiment: key, experiment_id: id, unit_kind, variant: variant.key, enrolled, reason, epoch,
    probability: enrolled ? variant.weight / SLOTS : 0, parameters: deepFreeze(variant.parameters),
    ...(variant.budget == null ? {} : { budget: variant.budget }),
  });
  const control = entry.variants.find((variant) => variant.control);
  const refused = {};
  for (const reason of REFUSALS) {
    refused[reason] = give(control, false, reason);
    delete refused[reason].budget;
  }
  const spans = entry.variants.flatMap((variant) => variant.ranges.map(([start, end]) => [start, end, variant]));
  const { boundaries, owners } = cut(spans);
  const each = (enrolled, reason) =>
    owners.map((arm) => (arm?.state === "OPEN" ? give(arm, enrolled, reason) : refused.ARM_CLOSED));
  const named = new Map(entry.variants.map((variant) => [variant.key, variant]));
  return {
    id, key, unitKind: unit_kind, isRunning: entry.status === "RUNNING", refused, boundaries,
    draws: each(true, "SPLIT"),
    settling: each(false, "BURN_IN"),
    opensAt: Date.parse(entry.epoch_opened_at),
    isPersonalised: entry.personalised,
    layer: layers.get(entry.layer) ?? null,
    layerRanges: entry.layer_ranges,
    holdout: entry.holdout,
    admits: entry.audience == null ? null : audience(entry.audience),
    required: required(entry.audience),
    coverage: entry.coverage,
    coveragePrefix: prefixOf(salt, "coverage"),
    variantPrefix: prefixOf(salt, "variant"),
    period: compilePeriod(entry.period, salt),
    overrides: new Map(
      Object.entries(entry.overrides).map(([unit, arm]) => [unit, give(named.get(arm), false, "OVERRIDE")]),
    ),
    isRemote: entry.sticky === true || knowsNot(KNOWN, entry) || knowsNot(KNOWN_OF_PERIODS, entry.period),
  };
}

function compilePlan(kind, experiments) {
  const layers = new Map(), unlayered = [], byAttribute = new Map();
  for (const experiment of experiments) {
    if (experiment.layer) {
      layers.set(experiment.layer, [...(layers.get(experiment.layer) ?? []), experiment]);
    } else if (experiment.required) {
      const { attribute, texts } = experiment.required;
      const index = byAttribute.get(attribute) ?? byAttribute.set(attribute, new Map()).get(attribute);
      for (const text of texts) index.set(text, [...(index.get(text) ?? []), experiment]);
    } else {
      unlayered.push(experiment);
    }
  }
  return {
    kind, experiments, unlayered, byAttribute: [...byAttribute],
    overridden: new Set(experiments.flatMap((e) => (e.isRunning ? [...e.overrides.keys()] : []))),
    layers: [...layers].map(([prefix, members]) => ({
      prefix, ...cut(members.flatMap((e) => e.layerRanges.map(([start, end]) => [start, end, e]))),
    })),
  };
}

/** A bundle's content, parsed from JSON, ready for `assign`. Throws where it cannot be read. */
export function compile(content) {
  if (!SCHEMAS.includes(content.schema)) throw new Error(`bundle schema ${content.schema} cannot be read`);
  const layers = new Map(content.layers.map((layer) => [layer.id, prefixOf(layer.salt, "layer")]));
  const experiments = content.experiments.map((entry) => compileExperiment(entry, layers));
  const kinds = [...new Set(experiments.map((experiment) => experiment.unitKind))];
  return {
    version: content.version,
    projectId: content.project.id,
    experiments: new Map(experiments.map((experiment) => [experiment.key, experiment])),
    holdouts: content.holdouts.map(({ id, unit_kind, share, salt }) => ({
      id, unitKind: unit_kind, share, prefix: prefixOf(salt, "holdout"),
    })),
    plans: kinds.map((kind) => compilePlan(kind, experiments.filter((e) => e.unitKind === kind))),
  };
}

/** Member by member: a spread costs three times as much. */
function answerOf(answer, layer = null, coverage = null, drawn = null) {
  const { experiment, experiment_id, unit_kind, variant, enrolled, reason, epoch, probability, parameters } = answer;
  const slots = [layer, coverage, drawn];
  const made = { experiment, experiment_id, unit_kind, variant, enrolled, reason, epoch, probability, parameters, slots };
  if (answer.budget !== undefined) made.budget = answer.budget;
  return made;
}

/**
 * What each experiment gives the units at a moment (milliseconds of project time): of the named experiments in their
 * order, else all that concern the units. Never throws, and enrols nobody.
 */
export function assign(snapshot, units, attributes, at, { experiments = null, personalised = true } = {}) {
  const call = { units: withStoreItem(units ?? {}), attributes: attributes ?? {}, at, personalised, heldOut: null };
  try {
    call.heldOut = heldOut(snapshot, call.units);
    return experiments ? experiments.map((key) => named(snapshot, call, key)) : concerned(snapshot, call);
  } catch {
    return (experiments ?? [...snapshot.experiments.keys()]).map((key) => {
      const experiment = snapshot.experiments.get(key);
      try {
        return named(snapshot, { ...call, heldOut: heldOut(snapshot, call.units) }, key);
      } catch {
        return experiment ? answerOf(experiment.refused.ENGINE_ERROR) : nothing(key, "UNKNOWN_EXPERIMENT");
      }
    });
  }
}

function withStoreItem(units) {
  const { store, item } = units;
  const isMade = typeof store === "string" && typeof item === "string" && store && item && !("store-item" in units);
  return isMade ? { ...units, "store-item": `${store}|${item}` } : units;
}

/** Why the holdouts refuse these units, by holdout; null where none does. */
function heldOut(snapshot, units) {
  let reasons = null;
  for (const { id, unitKind, share, prefix } of snapshot.holdouts) {
    const unit = units[unitKind];
    const length = write(unit);
    const reason = length < 0 ? (unit ? "UNIT_INVALID" : "UNIT_MISSING") : draw(prefix, length) < share ? "HOLDOUT" : null;
    if (reason) (reasons ??= new Map()).set(id, reason);
  }
  return reasons;
}

/** What is missing may be known to the server: it looks for the visitor that a customer was. */
const missing = (experiment, units) =>
  experiment.unitKind === "visitor" && units.customer ? "REMOTE_ONLY" : "UNIT_MISSING";

function concerned(snapshot, call) {
  const answers = [];
  for (const plan of snapshot.plans) {
    const unit = call.units[plan.kind];
    const isMissing = unit == null || unit === "";
    const length = isMissing ? -1 : write(unit);
    if (length < 0) {
      for (const experiment of plan.experiments) {
        const reason = isMissing ? missing(experiment, call.units) : "UNIT_INVALID";
        answers.push(answerOf(experiment.refused[experiment.isRunning ? reason : "NOT_RUNNING"]));
      }
      continue;
    }
    const isOverridden = plan.overridden.has(unit);
    if (isOverridden) {
      for (const experiment of plan.experiments) {
        if (experiment.isRunning && experiment.overrides.has(unit)) answers.push(answerOf(experiment.overrides.get(unit)));
      }
    }
    const enter = (experiment, slot) => {
      if (isOverridden && experiment.isRunning && experiment.overrides.has(unit)) return;
      const admitted = experiment.admits === null || experiment.admits(call.attributes);
      if (admitted !== false) answers.push(answer(call, experiment, length, slot, admitted === null ? "REMOTE_ONLY" : null));
    };
    for (const layer of plan.layers) {
      const slot = draw(layer.prefix, length);
      const owner = layer.owners[place(layer.boundaries, slot)];
      if (owner) enter(owner, slot);
    }
    for (const experiment of plan.unlayered) enter(experiment, null);
    for (const [attribute, index] of plan.byAttribute) {
      for (const experiment of index.get(call.attributes[attribute]) ?? []) enter(experiment, null);
    }
  }
  return answers;
}

function named(snapshot, call, key) {
  const experiment = snapshot.experiments.get(key);
  if (!experiment) return nothing(key, "UNKNOWN_EXPERIMENT");
  const unit = call.units[experiment.unitKind];
  if (!experiment.isRunning) return answerOf(experiment.refused.NOT_RUNNING);
  if (unit == null || unit === "") return answerOf(experiment.refused[missing(experiment, call.units)]);
  const length = write(unit);
  if (length < 0) return answerOf(experiment.refused.UNIT_INVALID);
  if (experiment.overrides.has(unit)) return answerOf(experiment.overrides.get(unit));
  let slot = null, barrier = null;
  if (experiment.layer) {
    slot = draw(experiment.layer, length);
    if (!experiment.layerRanges.some(([start, end]) => start <= slot && slot < end)) barrier = "LAYER_TAKEN";
  }
  if (!barrier && experiment.admits) {
    const admitted = experiment.admits(call.attributes);
    if (admitted !== true) barrier = admitted === null ? "REMOTE_ONLY" : "AUDIENCE";
  }
  return answer(call, experiment, length, slot, barrier);
}

/** The answer to a valid unit; `barrier` says why layer or audience keeps it out, if they do. */
function answer(call, experiment, length, slot, barrier) {
  const { refused, period } = experiment;
  let reason = barrier;
  if (!experiment.isRunning) reason = "NOT_RUNNING";
  else if (call.at < experiment.opensAt || (period && call.at < period.anchor)) reason = "NOT_STARTED";
  else if (experiment.isPersonalised && !call.personalised) reason = "PERSONALISATION_OFF";
  else if (call.heldOut?.has(experiment.holdout)) reason = call.heldOut.get(experiment.holdout);
  else if (!reason && experiment.isRemote) reason = "REMOTE_ONLY";
  if (reason) return answerOf(refused[reason], slot);
  let covered = null;
  if (experiment.coverage < SLOTS) {
    covered = draw(experiment.coveragePrefix, length);
    if (covered >= experiment.coverage) return answerOf(refused.COVERAGE, slot, covered);
  }
  if (period) return inPeriod(call, experiment, length, slot, covered);
  const drawn = draw(experiment.variantPrefix, length);
  return answerOf(experiment.draws[place(experiment.boundaries, drawn)], slot, covered, drawn);
}

function inPeriod({ at }, { period, refused, draws, settling, boundaries }, length, slot, covered) {
  const index = Math.floor((at - period.anchor) / period.length);
  const isKeptOut = period.blackouts.some(([first, after]) => first <= index && index < after);
  if (isKeptOut) return answerOf(refused.BLACKOUT, slot, covered);
  const cell = (number) => {
    return draw(period.prefix, length + writeAfter(length, `|${number}`));
  };
  let drawn = cell(index);
  if (period.block > 1) {
    const first = index - (index % period.block);
    let before = 0;
    for (let number = first; number < first + period.block; number++) {
      const other = cell(number);
      if (other < drawn || (other === drawn && number < index)) before++;
    }
    drawn = Math.floor(((2 * before + 1) * SLOTS) / (2 * period.block));
  }
  const isSettling = at < period.anchor + index * period.length + period.burnIn;
  const found = (isSettling ? settling : draws)[place(boundaries, drawn)];
  return { ...answerOf(found, slot, covered, drawn), period: index };
}
