/** Prints the xxh3_64 of inputs of 0 to `count` bytes, one a line. */

import { xxh3 } from "../../../clients/javascript/xxh3.mjs";

for (let length = 0; length <= Number(process.argv[2]); length++) {
  console.log(xxh3(Uint8Array.from({ length }, (_, n) => (n * n + 7 * n + length) & 255)));
}
