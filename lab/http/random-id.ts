import type { Random } from "../aws/service.ts";

const HEX = "0123456789abcdef";
const DIGITS = "0123456789";
const BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

function text(random: Random, length: number, alphabet: string): string {
  const codes = Array.from({ length }, () => alphabet.charCodeAt(Math.floor(random() * alphabet.length)));
  return String.fromCharCode(...codes);
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

/** A UUID of version 4. */
export function randomUuid(random: Random): string {
  const hex = randomHex(random, 30);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(12, 15)}-a${hex.slice(15, 18)}-${hex.slice(18, 30)}`;
}
