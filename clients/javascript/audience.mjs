/**
 * Audiences: a targeting expression compiled into a test of a unit's attributes.
 *
 * A compiled audience says true, false, or null where only the server can tell: regular expressions are RE2's there,
 * and whole numbers beyond 2**53 are exact.
 */

const HALF_A_PAIR = /\p{Surrogate}/u;
const unknown = () => null;
const isExact = (value) => typeof value !== "number" || !Number.isInteger(value) || Number.isSafeInteger(value);
const isPlain = (value) =>
  (typeof value === "string" && !HALF_A_PAIR.test(value)) || typeof value === "boolean" ||
  (typeof value === "number" && Number.isFinite(value) && isExact(value));
const compare = (test) => (name, value) =>
  typeof value === "number" && isPlain(value)
    ? (given) => typeof given[name] === "number" && test(given[name], value)
    : unknown;
const compareVersions = (test) => (name, value) => {
  const bound = semver(value);
  return bound === null ? unknown : (given) => {
    const held = semver(given[name]);
    return held !== null && test(order(held, bound));
  };
};
const amongst = (test) => (name, value) => {
  if (!Array.isArray(value) || !value.every(isPlain)) return unknown;
  const wanted = new Set(value), families = new Set(value.map((item) => typeof item));
  return (given) => test(given[name], wanted, families);
};

const OPERATORS = {
  eq: (name, value) => (isPlain(value) ? (given) => given[name] === value : unknown),
  ne: (name, value) =>
    isPlain(value) ? (given) => typeof given[name] === typeof value && given[name] !== value : unknown,
  in: amongst((held, wanted) => wanted.has(held)),
  not_in: amongst((held, wanted, families) => families.has(typeof held) && !wanted.has(held)),
  gt: compare((held, bound) => held > bound),
  gte: compare((held, bound) => held >= bound),
  lt: compare((held, bound) => held < bound),
  lte: compare((held, bound) => held <= bound),
  prefix: (name, value) =>
    typeof value === "string" && isPlain(value)
      ? (given) => typeof given[name] === "string" && given[name].startsWith(value)
      : unknown,
  semver_gte: compareVersions((sign) => sign >= 0),
  semver_lt: compareVersions((sign) => sign < 0),
};

export function audience(expression) {
  if (Array.isArray(expression?.all)) return junction(expression.all.map(audience), false);
  if (Array.isArray(expression?.any)) return junction(expression.any.map(audience), true);
  if (expression?.not !== undefined) {
    const part = audience(expression.not);
    return (given) => {
      const found = part(given);
      return found === null ? null : !found;
    };
  }
  const build = Object.hasOwn(OPERATORS, expression?.op) ? OPERATORS[expression.op] : unknown;
  return build === unknown ? unknown : build(expression.attribute, expression.value);
}

/** `decisive` is the answer of one part that settles the whole. */
function junction(parts, decisive) {
  return (given) => {
    let rest = !decisive;
    for (const part of parts) {
      const found = part(given);
      if (found === decisive) return decisive;
      if (found === null) rest = null;
    }
    return rest;
  };
}

/** The attribute and texts that an audience insists on, null where it insists on none. */
export function required(expression) {
  if (Array.isArray(expression?.all)) {
    for (const part of expression.all) {
      const found = required(part);
      if (found) return found;
    }
    return null;
  }
  const { op, attribute, value } = expression ?? {};
  if (op === "eq" && typeof value === "string" && isPlain(value)) return { attribute, texts: [value] };
  const isTexts = op === "in" && Array.isArray(value) && value.every((item) => typeof item === "string" && isPlain(item));
  return isTexts ? { attribute, texts: [...new Set(value)] } : null;
}

const VERSION =
  /^v?(\d{1,18})(?:\.(\d{1,18}))?(?:\.(\d{1,18}))?(?:-([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?(?:\+[0-9A-Za-z.-]+)?$/;

/** What orders a semantic version, null where a value is none. */
function semver(value) {
  const match = typeof value === "string" && value.length <= 128 ? VERSION.exec(value) : null;
  return match && { numbers: [match[1], match[2] ?? "0", match[3] ?? "0"], parts: match[4] ? match[4].split(".") : [] };
}

const digits = (text) => text.replace(/^0+(?=\d)/, "");
const sign = (a, b) => (a < b ? -1 : a > b ? 1 : 0);
/** Whole numbers as texts: they may be longer than a number is exact. */
const numeric = (a, b) => sign(digits(a).length, digits(b).length) || sign(digits(a), digits(b));

function order(a, b) {
  for (let n = 0; n < 3; n++) {
    const found = numeric(a.numbers[n], b.numbers[n]);
    if (found) return found;
  }
  if (!a.parts.length || !b.parts.length) return sign(b.parts.length && 1, a.parts.length && 1);
  for (let n = 0; n < Math.min(a.parts.length, b.parts.length); n++) {
    const [left, right] = [a.parts[n], b.parts[n]];
    const [isNumber, isOther] = [/^\d+$/.test(left), /^\d+$/.test(right)];
    const found = isNumber && isOther ? numeric(left, right) : sign(isOther, isNumber) || sign(left, right);
    if (found) return found;
  }
  return sign(a.parts.length, b.parts.length);
}
