import * as z from "zod";
import { certificateProblemNames } from "../model/reasons.ts";
import { count, text, version } from "./fields.ts";

/* Details of the events about a control plane's root CA bundle. */

/** A certificate of the bundle by its subject and dates, and why it is not a root that tasks can rely on. */
const certificate = () =>
  z.strictObject({
    fingerprint: z.string(),
    subject: text,
    notBefore: z.string(),
    notAfter: z.string(),
    problem: z.enum(certificateProblemNames).optional(),
  });
const certificates = () => z.array(certificate()).optional();

const rootCaFields = { version, controlPlane: z.string(), network: z.string().optional() };

/** `Root CA Changed`: the bundle is another one. */
export const rootCaChangedDetail = () =>
  z.strictObject({
    ...rootCaFields,
    fingerprints: z.array(z.string()).min(1),
    previousFingerprints: z.array(z.string()),
    certificates: certificates(),
    /** Running tasks that trust none of the bundle's certificates any more: they lose the mesh. */
    cutOff: z.strictObject({ services: count, tasks: count, unreachable: count.optional() }).optional(),
  });

/** `Root CA Emergency`: tasks are cut off still, or none is any more. */
export const rootCaEmergencyDetail = () =>
  z.strictObject({
    ...rootCaFields,
    /** `goes-on`: rotations are repeated. `stopped`: an operator has stopped them. `over`: nobody is cut off. */
    state: z.enum(["goes-on", "stopped", "over"]),
    services: count,
    tasks: count,
    /** Of the services, those that no rotation reaches. */
    unreachable: count.optional(),
    since: z.iso.datetime(),
    attempts: count,
    /** The last rotation. */
    rolloutId: z.string().optional(),
    /** Who has stopped it. */
    by: text.optional(),
  });

/** `Root CA Retirable`: no running task needs these certificates any more, and the bundle may drop them. */
export const rootCaRetirableDetail = () =>
  z.strictObject({
    ...rootCaFields,
    fingerprints: z.array(z.string()).min(1),
    remaining: z.array(z.string()).min(1),
    /** The same certificates for people. */
    retire: certificates(),
    keep: certificates(),
  });

/** `Root CA Stage`: a rotation has come to its next stage, and what is to be done. */
export const rootCaStageDetail = () =>
  z.strictObject({
    ...rootCaFields,
    /** All tasks trust both roots. `unknown`: it can't be seen which one signs. */
    stage: z.enum(["sign-with-new", "unknown", "running-out"]),
    retire: certificates(),
    keep: certificates(),
    /** When no certificate of the old root can be valid any more. */
    until: z.string().optional(),
    why: text.optional(),
  });

/** `Root CA Expiring`: a certificate of the bundle ends soon, or has ended. */
export const rootCaExpiringDetail = () =>
  z.strictObject({
    ...rootCaFields,
    fingerprint: z.string(),
    subject: text,
    notBefore: z.iso.datetime().optional(),
    notAfter: z.iso.datetime(),
    daysLeft: z.int(),
    /** Where it has ended: running tasks that trust nothing that is valid. */
    cutOff: z.strictObject({ services: count, tasks: count }).optional(),
    /** Where it has ended: the bundle's roots that are valid. */
    keep: certificates(),
  });
