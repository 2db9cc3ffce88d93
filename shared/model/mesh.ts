import * as z from "zod";
import { openObject } from "../base/lenient.ts";

/** What a control plane publishes about its mesh, and what a bootstrap token is made of. */
export const meshFactsSchema = openObject({
  controlPlane: z.string().min(1),
  istiodUrl: z.url(),
  /** The root CA bundle: one PEM certificate or, during a rotation, several. */
  rootCaPem: z.string().min(1),
  network: z.string().min(1),
  istiodVersion: z.string().optional(),
  /** Services of Kubernetes that expose istiod beside the one whose address is taken: `namespace/name`. */
  otherGateways: z.array(z.string()).optional(),
  readAt: z.iso.datetime(),
});
export type MeshFacts = z.infer<typeof meshFactsSchema>;

/** Mesh facts by what a token is made of: equal tokens for equal tags, equal ids. */
export interface MeshGeneration {
  readonly id: string;
  readonly facts: MeshFacts;
}

/** How far a rotation of the root CA has come, between the bundle with both roots and the one with the new root. */
export const rootStages = ["distributing", "sign-with-new", "unknown", "running-out", "retirable"] as const;
export type RootStage = (typeof rootStages)[number];

/** Whose certificate istiod serves, and since when it was seen. */
const signerSchema = openObject({ anchor: z.string(), since: z.iso.datetime() });
export type MeshSigner = z.output<typeof signerSchema>;

export const MAX_GENERATIONS = 10;

/** A control plane's mesh facts over time. */
export const meshStateSchema = openObject({
  shape: z.literal(2),
  /** Rises with every write. */
  version: z.int().nonnegative(),
  controlPlane: z.string().min(1),
  /** The oldest first, the newest last: that is what new tokens are made of. At most `MAX_GENERATIONS`. */
  generations: z
    .array(openObject({ id: z.string().min(1), facts: meshFactsSchema }))
    .min(1)
    .max(MAX_GENERATIONS),
  /** How many times the newest facts have changed. Facts that return after others count as a change. */
  changeCount: z.int().nonnegative().default(0),
  /**
   * The generation that every enrolled service should have by now; services with it or a later one wait for a rollout.
   */
  releasedId: z.string().optional(),
  /**
   * Set while no WorkloadEntry of the control plane has a mark that proves a task: nothing can be verified then. The
   * execution that has found it, `by`, notifies of it.
   */
  unknownShape: openObject({
    mark: z.string().min(1),
    seen: z.string(),
    since: z.iso.datetime(),
    by: z.string().min(1),
  }).optional(),
  /** Set while tasks trust none of the newest bundle's certificates: rotations are repeated until none does. */
  emergency: openObject({
    since: z.iso.datetime(),
    /** The services that were cut off when they were counted last, and their running tasks. */
    serviceArns: z.array(z.string()),
    services: z.int().nonnegative(),
    tasks: z.int().nonnegative(),
    /** Of the services, those that no rotation reaches. They are not among `serviceArns`. */
    unreachable: z.int().nonnegative().optional(),
    countedAt: z.iso.datetime(),
    /** The rotation that was requested last, and how many were. The first one's Slack thread has the details. */
    rolloutId: z.string().optional(),
    firstRolloutId: z.string().optional(),
    attempts: z.int().nonnegative().default(0),
    /** The notice that people got last. */
    notified: z.string().optional(),
  }).optional(),
  /** Who signs, while a root is being replaced. */
  signer: signerSchema.optional(),
  /** The stage of the rotation to this generation, and since when. */
  stage: openObject({
    factsId: z.string(),
    name: z.string(),
    since: z.iso.datetime(),
    why: z.string().optional(),
  }).optional(),
  /** What somebody is about to notify people of: nobody else does the same until then, epoch milliseconds. */
  notifying: z.record(z.string(), z.int()).optional(),
  /** What was notified already: each of these is notified once. */
  notified: openObject({
    /** Fingerprints of the bundle that was notified last. */
    fingerprints: z.array(z.string()).optional(),
    /** The other gateways that were notified last. */
    otherGateways: z.array(z.string()).optional(),
    /** The generation for which `Root CA Retirable` was emitted. */
    retirableId: z.string().optional(),
    /** The smallest number of days notified for a certificate, by its fingerprint. */
    expiryDays: z.record(z.string(), z.int()).default({}),
  }).default({ expiryDays: {} }),
});
export type MeshState = z.output<typeof meshStateSchema>;
export type MeshEmergency = NonNullable<MeshState["emergency"]>;
