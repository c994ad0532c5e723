/**
 * xxh3_64 with seed 0 and the default secret, for inputs of any length.
 *
 * 64-bit numbers are pairs of 32-bit halves; what a function returns beside its lower half it leaves in `high`.
 * BigInt would say the same in fewer words and take many times as long.
 */

export let high = 0;

const SECRET = Uint8Array.from(
  ("b8fe6c3923a44bbe7c01812cf721ad1cded46de9839097db7240a4a4b7b3671fcb79e64eccc0e578825ad07dccff7221b8084674f743248e" +
    "e03590e6813a264c3c2852bb91c300cb88d0658b1b532ea371644897a20df94e3819ef46a9deacd8a8fa763fe39c343ff9dcbbc7c70b4f1d" +
    "8a51e04bcdb45931c89f7ec9d9787364eac5ac8334d3ebc3c581a0fffa1363eb170ddd51b7f0da49d316552629d4689e2b16be587d47a1" +
    "fc8ff8b8d17ad031ce45cb3a8f95160428afd7fbcabb4b407e").match(/../g),
  (pair) => parseInt(pair, 16),
);
const view = new DataView(SECRET.buffer);
/** The 32 bits that begin at each byte of the secret. */
const KEY = Int32Array.from({ length: 189 }, (_, at) => view.getInt32(at, true));
const P32 = [0x9e3779b1, 0x85ebca77, 0xc2b2ae3d];
const P64 = [
  [0x9e3779b1, 0x85ebca87],
  [0xc2b2ae3d, 0x27d4eb4f],
  [0x165667b1, 0x9e3779f9],
  [0x85ebca77, 0xc2b2ae63],
  [0x27d4eb2f, 0x165667c5],
];


/** The upper half of the product of two 32-bit numbers; the lower half is Math.imul of them. */
function upper(a, b) {
  const al = a & 0xffff, ah = a >>> 16, bl = b & 0xffff, bh = b >>> 16;
  const middle = ah * bl + ((al * bl) >>> 16);
  const other = al * bh + (middle & 0xffff);
  return (ah * bh + (middle >>> 16) + (other >>> 16)) | 0;
}

/** Product modulo 2**64. */
function times(ah, al, bh, bl) {
  high = (upper(al, bl) + Math.imul(ah, bl) + Math.imul(al, bh)) | 0;
  return Math.imul(al, bl);
}

/** Sum modulo 2**64. */
function plus(ah, al, bh, bl) {
  const low = (al + bl) | 0;
  high = (ah + bh + (low >>> 0 < al >>> 0 ? 1 : 0)) | 0;
  return low;
}

/** The two halves of the 128-bit product, folded by exclusive or. */
function fold(ah, al, bh, bl) {
  const lowHigh = upper(al, bl);
  const firstLow = Math.imul(ah, bl), firstHigh = upper(ah, bl);
  const secondLow = Math.imul(al, bh), secondHigh = upper(al, bh);
  const sum = (lowHigh >>> 0) + (firstLow >>> 0) + (secondLow >>> 0);
  const second = sum | 0;
  const carry = (sum / 4294967296) | 0;
  const next = (Math.imul(ah, bh) >>> 0) + (firstHigh >>> 0) + (secondHigh >>> 0) + carry;
  const third = next | 0;
  const fourth = (upper(ah, bh) + ((next / 4294967296) | 0)) | 0;
  high = second ^ fourth;
  return Math.imul(al, bl) ^ third;
}

const xorShift = (h, l, bits) => {
  if (bits < 32) {
    high = h ^ (h >>> bits);
    return l ^ ((l >>> bits) | (h << (32 - bits)));
  }
  high = h;
  return l ^ (h >>> (bits - 32));
};

/** The last step of most lengths. */
function avalanche(h, l) {
  l = xorShift(h, l, 37);
  l = times(high, l, 0x16566791, 0x9e3779f9);
  return xorShift(high, l, 32);
}

function avalancheShort(h, l) {
  l = xorShift(h, l, 33);
  l = times(high, l, P64[1][0], P64[1][1]);
  l = xorShift(high, l, 29);
  l = times(high, l, P64[2][0], P64[2][1]);
  return xorShift(high, l, 32);
}

/** Sixteen bytes mixed with sixteen of the secret. */
const mix = (bytes, at, key) =>
  fold(
    bytes.getInt32(at + 4, true) ^ KEY[key + 4], bytes.getInt32(at, true) ^ KEY[key],
    bytes.getInt32(at + 12, true) ^ KEY[key + 12], bytes.getInt32(at + 8, true) ^ KEY[key + 8],
  );

function upTo16(bytes, from, length) {
  if (length > 8) {
    const low0 = bytes.getInt32(from, true) ^ KEY[24] ^ KEY[32];
    const low1 = bytes.getInt32(from + 4, true) ^ KEY[28] ^ KEY[36];
    const high0 = bytes.getInt32(from + length - 8, true) ^ KEY[40] ^ KEY[48];
    const high1 = bytes.getInt32(from + length - 4, true) ^ KEY[44] ^ KEY[52];
    let l = plus(swapped(low0), swapped(low1), high1, high0);
    l = plus(high, l, 0, length);
    const h = high;
    const folded = fold(low1, low0, high1, high0);
    l = plus(h, l, high, folded);
    return avalanche(high, l);
  }
  if (length > 3) {
    const l = bytes.getInt32(from + length - 4, true) ^ KEY[8] ^ KEY[16];
    const h = bytes.getInt32(from, true) ^ KEY[12] ^ KEY[20];
    // Rotations by 49 and 24 bits.
    const high49 = (l << 17) | (h >>> 15), low49 = (h << 17) | (l >>> 15);
    const high24 = (h << 24) | (l >>> 8), low24 = (l << 24) | (h >>> 8);
    let low = times(h ^ high49 ^ high24, l ^ low49 ^ low24, 0x9fb21c65, 0x1e98df25);
    const before = high;
    const shifted = plus(0, before >>> 3, 0, length);
    low = times(before ^ high, low ^ shifted, 0x9fb21c65, 0x1e98df25);
    return xorShift(high, low, 28);
  }
  if (length > 0) {
    const joined = (bytes.getUint8(from) << 16) | (bytes.getUint8(from + (length >> 1)) << 24) | bytes.getUint8(from + length - 1) | (length << 8);
    return avalancheShort(0, joined ^ KEY[0] ^ KEY[4]);
  }
  return avalancheShort(KEY[60] ^ KEY[68], KEY[56] ^ KEY[64]);
}

const swapped = (x) => (x << 24) | ((x & 0xff00) << 8) | ((x >>> 8) & 0xff00) | (x >>> 24);

function upTo240(bytes, from, length) {
  let l = times(0, length, P64[0][0], P64[0][1]);
  let h = high;
  const add = (at, key) => {
    const mixed = mix(bytes, from + at, key);
    l = plus(h, l, high, mixed);
    h = high;
  };
  if (length <= 128) {
    for (let pair = (length - 1) >> 5; pair >= 0; pair--) {
      add(16 * pair, 32 * pair);
      add(length - 16 * (pair + 1), 32 * pair + 16);
    }
    return avalanche(h, l);
  }
  for (let round = 0; round < 8; round++) add(16 * round, 16 * round);
  l = avalanche(h, l);
  h = high;
  for (let round = 8; round < length >> 4; round++) add(16 * round, 16 * (round - 8) + 3);
  add(length - 16, 119);
  return avalanche(h, l);
}

function longer(bytes, from, length) {
  const lows = Int32Array.of(P32[2], P64[0][1], P64[1][1], P64[2][1], P64[3][1], P32[1], P64[4][1], P32[0]);
  const highs = Int32Array.of(0, P64[0][0], P64[1][0], P64[2][0], P64[3][0], 0, P64[4][0], 0);
  const stripe = (at, key) => {
    for (let lane = 0; lane < 8; lane++) {
      const dataLow = bytes.getInt32(from + at + 8 * lane, true), dataHigh = bytes.getInt32(from + at + 8 * lane + 4, true);
      const keyLow = dataLow ^ KEY[key + 8 * lane], keyHigh = dataHigh ^ KEY[key + 8 * lane + 4];
      const other = lane ^ 1;
      lows[other] = plus(highs[other], lows[other], dataHigh, dataLow);
      highs[other] = high;
      lows[lane] = plus(highs[lane], lows[lane], upper(keyLow, keyHigh), Math.imul(keyLow, keyHigh));
      highs[lane] = high;
    }
  };
  const scramble = () => {
    for (let lane = 0; lane < 8; lane++) {
      const low = xorShift(highs[lane], lows[lane], 47);
      const key = 128 + 8 * lane;
      lows[lane] = times(high ^ KEY[key + 4], low ^ KEY[key], 0, P32[0]);
      highs[lane] = high;
    }
  };
  const blocks = ((length - 1) / 1024) | 0;
  for (let block = 0; block < blocks; block++) {
    for (let n = 0; n < 16; n++) stripe(1024 * block + 64 * n, 8 * n);
    scramble();
  }
  const rest = (length - 1 - 1024 * blocks) >> 6;
  for (let n = 0; n < rest; n++) stripe(1024 * blocks + 64 * n, 8 * n);
  stripe(length - 64, 121);
  let l = times(0, length, P64[0][0], P64[0][1]);
  let h = high;
  for (let pair = 0; pair < 4; pair++) {
    const key = 11 + 16 * pair, a = 2 * pair, b = a + 1;
    const folded = fold(
      highs[a] ^ KEY[key + 4], lows[a] ^ KEY[key],
      highs[b] ^ KEY[key + 12], lows[b] ^ KEY[key + 8],
    );
    l = plus(h, l, high, folded);
    h = high;
  }
  return avalanche(h, l);
}

/** Leave the hash of `length` bytes from `from` on in `high` and return its lower half. */
export const hash = (bytes, from, length) =>
  length <= 16 ? upTo16(bytes, from, length) : length <= 240 ? upTo240(bytes, from, length) : longer(bytes, from, length);

/** The xxh3_64 of bytes as sixteen hexadecimal digits. */
export function xxh3(bytes) {
  const low = hash(new DataView(bytes.buffer, bytes.byteOffset, bytes.length), 0, bytes.length);
  return [high, low].map((half) => (half >>> 0).toString(16).padStart(8, "0")).join("");
}
