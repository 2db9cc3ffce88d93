import fc from "fast-check";
import { AutopilotError } from "../../../shared/base/errors.ts";
import { decodeToken, encodeToken } from "../../../shared/data-plane/ztunnel/bootstrap-token/token.ts";
import { isBundle, parseBundle } from "../../../shared/trust/bundle.ts";
import { daysUntilFirstEnd } from "../../../shared/trust/expiry.ts";
import { rootPem } from "../../support/services.ts";
import { tokens } from "../../support/tokens.ts";
import { answered, hold, type Subject, subject } from "./subject.ts";

const NOW_MS = Date.parse("2026-11-20T00:00:00Z");
const pems = (["a", "b", "c", "d", "d-renewed"] as const).map(rootPem);

/** One byte of a certificate's DER. */
const byte = fc.tuple(fc.nat(5000), fc.nat(255));

function withBytes(pem: string, bytes: readonly (readonly [number, number])[]): string {
  const der = Buffer.from(pem.replace(/-----[A-Z ]+-----|\s/g, ""), "base64");
  for (const [at, value] of bytes) der[at % der.length] = value;
  return `-----BEGIN CERTIFICATE-----\n${der.toString("base64")}\n-----END CERTIFICATE-----\n`;
}

/** A certificate one of whose times is another text of the same length. */
function withTime(pem: string, which: number, text: string): string {
  const der = Buffer.from(pem.replace(/-----[A-Z ]+-----|\s/g, ""), "base64");
  const first = der.indexOf(Buffer.from([0x17, 0x0d]));
  Buffer.from(text).copy(der, (which === 0 ? first : der.indexOf(Buffer.from([0x17, 0x0d]), first + 15)) + 2);
  return `-----BEGIN CERTIFICATE-----\n${der.toString("base64")}\n-----END CERTIFICATE-----\n`;
}

const pem = fc.constantFrom(...pems);
const time = fc.stringMatching(/^[0-9]{6}[0-9A+. ]{6}Z$/);
const bundles: fc.Arbitrary<string> = fc.oneof(
  fc.array(pem, { maxLength: 6 }).map((all) => all.join("")),
  fc.tuple(pem, fc.array(byte, { minLength: 1, maxLength: 4 })).map(([one, bytes]) => withBytes(one, bytes)),
  fc.tuple(pem, fc.nat(1), time).map(([one, which, text]) => withTime(one, which, text)),
  fc.tuple(pem, fc.nat(3000), fc.string({ maxLength: 3 }), fc.nat(3)).map(([one, at, text, gone]) => {
    const place = at % one.length;
    return one.slice(0, place) + text + one.slice(place + gone);
  }),
  fc.tuple(pem, fc.nat(3000), fc.nat(3000)).map(([one, from, to]) => one.slice(from % one.length, to % one.length)),
  fc.uint8Array({ maxLength: 300 }).map((bytes) => {
    const text = Buffer.from(bytes).toString("base64");
    return `-----BEGIN CERTIFICATE-----\n${text}\n-----END CERTIFICATE-----\n`;
  }),
  fc.string({ unit: "binary" }),
);

/** What the control plane's ConfigMap and the secrets hold. */
export const trustSubjects: readonly Subject[] = [
  subject({
    name: "root CAs",
    inputs: bundles,
    answer: (text) =>
      answered(["invalid-pem"], () => {
        hold("it is a bundle exactly where it is read", isBundle(text) === isRead(text));
        const bundle = parseBundle(text);
        hold("what comes out is read again as it is", parseBundle(bundle.pem).pem === bundle.pem);
        hold("its end has a date", Number.isFinite(daysUntilFirstEnd(bundle, NOW_MS)));
        hold(
          "a subject is one line",
          bundle.certificates.every(({ subject: name }) => !/[\r\n]/.test(name)),
        );
      }),
  }),
  subject({
    name: "tokens",
    inputs: fc.oneof(
      tokens.map(encodeToken),
      fc.tuple(tokens.map(encodeToken), fc.nat(10_000), fc.string({ maxLength: 2 })).map(([text, at, other]) => {
        const place = at % text.length;
        return text.slice(0, place) + other + text.slice(place + 1);
      }),
      fc.json().map((json) => Buffer.from(Buffer.from(json).toString("base64")).toString("base64")),
      fc.base64String(),
    ),
    answer: (text) =>
      answered(["invalid-token"], () => {
        const token = decodeToken(text);
        hold("it is the same when written again", encodeToken(decodeToken(encodeToken(token))) === encodeToken(token));
      }),
  }),
];

function isRead(text: string): boolean {
  try {
    return parseBundle(text).pem !== "";
  } catch (error) {
    if (error instanceof AutopilotError) return false;
    throw error;
  }
}
