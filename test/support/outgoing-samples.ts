import { serviceRef } from "../../shared/base/arn.ts";
import {
  fleetContested,
  ledgerRestored,
  meshGatewayAmbiguous,
  meshIdentityWarned,
  meshShapeUnknown,
  servicesOrphaned,
} from "../../shared/events/mesh-events.ts";
import { outgoing } from "../../shared/events/outgoing.ts";
import {
  rootCaChanged,
  rootCaEmergency,
  rootCaExpiring,
  rootCaRetirable,
  rootCaStage,
} from "../../shared/events/root-ca-events.ts";
import {
  driftCorrected,
  rollFailed,
  rollSuperseded,
  serviceContested,
  serviceEnrolled,
  serviceRefused,
  serviceThrottled,
  serviceUnenrolled,
  serviceUnhealthy,
  serviceUpdated,
  serviceWarned,
} from "../../shared/events/service-events.ts";

export const ref = serviceRef("arn:aws:ecs:us-east-1:123456789012:service/prod/web");

const revision = (number: number): string => `arn:aws:ecs:us-east-1:123456789012:task-definition/web:${number}`;
export const change = {
  executionName: "web-0-abc",
  taskDefinitionArn: revision(8),
  previousTaskDefinitionArn: revision(7),
};
const sidecar = {
  namespace: "shop",
  serviceAccount: "web",
  image: "registry.example.com/ztunnel:1.28.1",
  secretVersionId: "a".repeat(64),
};

const certificate = { notBefore: "2026-01-01T00:00:00.000Z", notAfter: "2036-01-01T00:00:00.000Z" };
const about = { rolloutId: "upgrade-1", kind: "upgrade" } as const;
const counts = { services: 4, succeeded: 2, failed: 1, skipped: 1 };
/** One event of every kind about a rollout as a whole. */
export const rolloutEvents = [
  outgoing("Rollout Started", { ...about, why: "ztunnel 1.28.2", requestedBy: "alice", services: 9, waves: 3 }),
  outgoing("Rollout Refused", {
    rolloutId: "upgrade-1",
    kind: "upgrade",
    requestedBy: "alice",
    code: "scope-empty",
    detail: '{"regions":["mars-1"]}',
  }),
  outgoing("Rollout Wave Completed", { ...about, wave: "eu-west-1 50%", number: 2, waves: 3, ...counts }),
  outgoing("Rollout Paused", { ...about, hold: "operator", detail: "Paused by alice.", nextWave: "eu-west-1 100%" }),
  outgoing("Rollout Completed", { ...about, outcome: "completed", detail: "", ...counts, durationSeconds: 3900 }),
  outgoing("Rollout Rolled Back", {
    ...about,
    code: "budget-exceeded",
    detail: "3 of 10 in wave canary.",
    rolledBack: 6,
    left: 1,
    stuck: 1,
    stuckServices: [ref.serviceArn],
    durationSeconds: 600,
  }),
];

/** One event of every kind that the autopilot emits. */
export const all = [
  ...rolloutEvents,
  serviceEnrolled(ref, { ...change, ...sidecar }),
  serviceUpdated(ref, { ...change, ...sidecar, drift: ["image", "token"] }),
  driftCorrected(ref, { ...change, drift: ["sidecar-missing"] }),
  serviceUnenrolled(ref, { ...change, reason: "tag-removed" }),
  serviceRefused(ref, [{ reason: "network-mode", detail: "The network mode is bridge." }]),
  serviceWarned(ref, [{ code: "headroom", detail: "Left for ztunnel: 0 CPU units." }]),
  rollFailed(ref, {
    executionName: "web-0-abc",
    code: "ztunnel-unhealthy",
    sentence: "Task t1: Container ztunnel stopped: exit code 1.",
    reverted: true,
    failedTaskDefinitionArn: revision(8),
    revertedTo: revision(7),
    consecutiveFailures: 1,
    nextAttemptAt: "2026-11-21T10:00:00.000Z",
  }),
  serviceUnhealthy(ref, {
    taskDefinitionArn: revision(8),
    code: "ztunnel-unhealthy",
    sentence: "Task t1: Container ztunnel stopped: exit code 1.",
    since: "2026-11-21T10:00:00.000Z",
    stoppedTasks: 3,
  }),
  serviceThrottled(ref, { rolls: 6, until: "2026-11-21T05:00:00.000Z" }),
  serviceContested(ref, {
    taskDefinitionArn: "arn:aws:ecs:us-east-1:123456789012:task-definition/web:7",
    ownRevisionArn: "arn:aws:ecs:us-east-1:123456789012:task-definition/web:8",
    corrections: 3,
    until: "2026-11-21T10:00:00.000Z",
  }),
  rollSuperseded(ref, { executionName: "web-0-abc", reason: "Deployment ecs-svc/3 brings web:9." }),
  rootCaChanged({ controlPlane: "main", network: "net", fingerprints: ["AA", "BB"], previousFingerprints: ["AA"] }),
  rootCaEmergency({
    controlPlane: "main",
    network: "net",
    state: "stopped",
    services: 2,
    tasks: 5,
    since: "2026-11-21T10:00:00.000Z",
    attempts: 3,
    rolloutId: "rotate-1",
    by: "alice",
  }),
  ...(["sign-with-new", "unknown", "running-out"] as const).map((stage) =>
    rootCaStage({
      controlPlane: "main",
      network: "net",
      stage,
      retire: [{ ...certificate, fingerprint: "AA", subject: "CN=old" }],
      keep: [{ ...certificate, fingerprint: "BB", subject: "CN=new" }],
      ...(stage === "running-out" && { until: "2026-11-28T10:00:00.000Z" }),
      ...(stage === "unknown" && { why: "TLS handshake with https://a.example.com:15012: no answer" }),
    }),
  ),
  rootCaRetirable({ controlPlane: "main", network: "net", fingerprints: ["AA"], remaining: ["BB"] }),
  outgoing("Root CA Retirable", { controlPlane: "main", fingerprints: ["AA"], remaining: ["BB"] }),
  meshGatewayAmbiguous({
    controlPlane: "main",
    istiodUrl: "https://a.example.com:15012",
    others: ["istio-system/eastwest"],
  }),
  meshIdentityWarned({
    controlPlane: "main",
    code: "namespace-not-ambient",
    detail: "kubectl label namespace shop istio.io/dataplane-mode=ambient",
    services: [ref.serviceArn],
  }),
  servicesOrphaned("orphaned", [
    { serviceArn: ref.serviceArn, why: "account" },
    { serviceArn: `${ref.serviceArn}-2`, why: "unreadable" },
  ]),
  servicesOrphaned("released", [{ serviceArn: ref.serviceArn, why: "cluster-gone" }], "alice"),
  ledgerRestored({ state: "noticed", cause: "emptied", since: "2026-11-21T09:00:00.000Z" }),
  ledgerRestored({
    state: "adopted",
    cause: "restored",
    since: "2026-11-21T09:00:00.000Z",
    image: "example.com/ztunnel:2",
    wished: "example.com/ztunnel:1",
    differing: 3,
    rolloutId: "upgrade-1",
  }),
  fleetContested({ of: "image", values: ["example.com/ztunnel:1", "example.com/ztunnel:2"], changes: 4 }),
  fleetContested({ of: "mesh-facts", controlPlane: "main", values: ["CN=a"], changes: 5 }),
  meshShapeUnknown({
    controlPlane: "main",
    mark: "HBONE",
    seen: "shop/ecs-task-1: service account web; annotations ecs.solo.io/arn; labels none",
  }),
  rootCaExpiring({
    controlPlane: "main",
    fingerprint: "AA:BB",
    subject: "CN=root",
    notAfter: "2026-12-24T00:00:00.000Z",
    daysLeft: 30,
  }),
];
