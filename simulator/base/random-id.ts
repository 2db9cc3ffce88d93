import type { Random } from "./random.ts";

const HEX = "0123456789abcdef";
const DIGITS = "0123456789";
const BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/** Characters are put together here: an array and strings for each id cost more than the numbers. */
const scratch = Buffer.alloc(64);

function text(random: Random, length: number, alphabet: string): string {
  if (length > scratch.length) throw new RangeError(`ids have at most ${scratch.length} characters`);
  for (let at = 0; at < length; at++) scratch[at] = alphabet.charCodeAt(Math.floor(random() * alphabet.length));
  return scratch.toString("latin1", 0, length);
}

/** Lower-case hexadecimal characters. */
export function randomHex(random: Random, length: number): string {
  return text(random, length, HEX);
}

/** Decimal digits, the first of them not zero. */
export function randomDigits(random: Random, length: number): string {
  return text(random, 1, DIGITS.slice(1)) + text(random, length - 1, DIGITS);
}

/** Letters and digits. */
export function randomBase62(random: Random, length: number): string {
  return text(random, length, BASE62);
}

const UUID = "xxxxxxxx-xxxx-4xxx-axxx-xxxxxxxxxxxx";

/** A UUID of version 4. */
export function randomUuid(random: Random): string {
  for (let at = 0; at < UUID.length; at++) {
    const given = UUID.charCodeAt(at);
    scratch[at] = given === 0x78 ? HEX.charCodeAt(Math.floor(random() * HEX.length)) : given;
  }
  return scratch.toString("latin1", 0, UUID.length);
}
