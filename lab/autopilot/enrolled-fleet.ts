import {
  inProcessRequestHandler,
  inProcessTextFetch,
  type RequestHandler,
  scopeOf,
  scopeSigner,
} from "@ztunnel-autopilot/simulator";
import { controlPlanes } from "../../functions/control-planes.ts";
import { type Place, serviceRef } from "../../shared/base/arn.ts";
import { isJsonObject, type Json, type JsonObject } from "../../shared/base/json.ts";
import { DISCOVERY_TAG, tagKeys } from "../../shared/base/vocabulary.ts";
import { type Config, controlPlaneFor, parseConfig, type Target, targetsOf } from "../../shared/config/config.ts";
import { type Inject, inject } from "../../shared/data-plane/ztunnel/index.ts";
import { executionName } from "../../shared/deployment/execution-name.ts";
import type { TagRequest } from "../../shared/enrollment/decision.ts";
import { desiredToken } from "../../shared/enrollment/desired.ts";
import { sidecarSpec } from "../../shared/enrollment/sidecar-spec.ts";
import { parseRequest } from "../../shared/enrollment/tags.ts";
import { type AwsClients, awsClients } from "../../shared/gateways/aws/aws-clients.ts";
import { secretsGateway } from "../../shared/gateways/aws/secrets.ts";
import type { MeshFacts } from "../../shared/model/mesh.ts";
import type { Tags } from "../../shared/model/service.ts";
import type { ControlPlaneCalls } from "../../shared/ports/ports.ts";
import { ensureSecret } from "../../shared/use-cases/roll/ensure-secret.ts";
import { registerOnce } from "../../shared/use-cases/roll/register-once.ts";
import { applicationLogs } from "../fleet/application-logs.ts";
import { revisionArn } from "../fleet/fleet.ts";
import { sendDirectly } from "../lambda/direct-send.ts";
import type { Lab } from "./lab.ts";
import { functionRoleArn, labDeployment } from "./roles.ts";

const HOME_ACCOUNT = "123456789012";
const MEMBER_ACCOUNT = "210987654321";
const SERVICES_PER_CLUSTER = 500;
/** From the first secret until the last task is in the mesh. */
const FILLING_MINUTES = 5;

/** A configuration with one control plane for all regions; the second half of them is in a member account. */
export function enrolledFleetConfig(
  regions: readonly [string, ...string[]] = ["us-east-1", "us-west-2", "eu-west-1", "eu-central-1"],
  policy: JsonObject = {},
): Config {
  const [homeRegion] = regions;
  const half = Math.ceil(regions.length / 2);
  const serves = [
    { account: HOME_ACCOUNT, regions: regions.slice(0, half) },
    { account: MEMBER_ACCOUNT, regions: regions.slice(half) },
  ].filter((each) => each.regions.length > 0);
  return parseConfig({
    homeRegion,
    homeAccount: HOME_ACCOUNT,
    accounts: serves.map((each) => ({
      role: `arn:aws:iam::${each.account}:role/istiod-role`,
      domain: "ecs.internal",
      regions: each.regions,
    })),
    controlPlanes: [{ name: "mesh", eks: { cluster: "mesh", region: homeRegion, account: HOME_ACCOUNT }, serves }],
    ztunnel: { image: "example.com/ztunnel:1.28.1" },
    allowedNamespaces: ["*"],
    slack: { secretName: "slack", channel: "#mesh-ops" },
    policy,
  });
}

export interface EnrolledFleetOptions {
  readonly services: number;
  /**
   * Services that share a workload identity, with a namespace and roles of its own, in one account and region. Default
   * 10.
   */
  readonly servicesPerIdentity?: number;
  /** Tasks of a service. Default 1. */
  readonly desiredCount?: number;
  /** How the release that has enrolled them builds a sidecar. Default: as this one does. */
  readonly build?: Inject;
}

/**
 * Fills a prepared lab with services that are in the mesh, in turn over the configuration's accounts and regions:
 * service, revision, secret, service account and ledger are as a successful enrollment leaves them. ECS takes them at
 * no rate, and no event reports them. Takes five minutes of lab time; then every deployment has completed. Returns the
 * services' ARNs. Throws an Error when the lab was not prepared, or a deployment has not completed.
 */
export async function enrolledFleet(lab: Lab, options: EnrolledFleetOptions): Promise<readonly string[]> {
  const { services, servicesPerIdentity = 10, desiredCount = 1, build = inject } = options;
  const endMs = lab.clock.now() + FILLING_MINUTES * 60_000;
  lab.faults.add({ kind: "lose-event", untilMs: endMs });
  const ground = groundOf(lab);
  const targets = targetsOf(lab.config);
  const arns: string[] = [];
  for (let number = 0; arns.length < services; number++) {
    const target = targets[number % targets.length];
    if (!target) throw new Error("the configuration names no region");
    const identity = await enrolledIdentity(ground, target, `team-${number}`);
    const count = Math.min(servicesPerIdentity, services - arns.length);
    for (let nth = 0; nth < count; nth++) {
      arns.push(await enrolledService(ground, identity, { number: arns.length, desiredCount, build }));
    }
  }
  await lab.clock.sleep(endMs - lab.clock.now());
  for (const arn of arns) {
    const [primary] = lab.ecs.findService(arn)?.deployments ?? [];
    if (primary?.rolloutState !== "COMPLETED") throw new Error(`${arn}: its deployment has not completed`);
  }
  return arns;
}

/** What a fleet is built on. */
interface FleetBase {
  readonly lab: Lab;
  readonly clients: AwsClients;
  readonly plane: (name: string) => ControlPlaneCalls;
  readonly clusters: Set<string>;
}

interface Identity {
  readonly target: Target;
  readonly name: string;
  readonly tags: Tags;
  readonly roles: { readonly taskRoleArn: string; readonly executionRoleArn: string };
  readonly request: TagRequest;
  /** The secret version that its services pin. */
  readonly valueFrom: string;
}

function groundOf(lab: Lab): FleetBase {
  const { clock, config } = lab;
  const now = () => clock.now();
  const handle: RequestHandler = (request) => lab.simulator.handle(request);
  // An enrollment makes these calls in this step.
  const roleArn = functionRoleArn(labDeployment(config), "roll/apply");
  const clients = awsClients({
    config,
    requestHandler: inProcessRequestHandler(handle),
    signer: scopeSigner,
    onClient: (client, region, credentials) =>
      void sendDirectly(client, { handle, authorization: scopeOf(credentials, region) }),
    credentials: lab.iam.openSession(roleArn, "enrolled-fleet", FILLING_MINUTES * 60),
    pause: (ms) => clock.sleep(ms),
    now,
  });
  return {
    lab,
    clients,
    plane: controlPlanes({ config, clients, now }, { fetch: inProcessTextFetch(handle) }),
    clusters: new Set(),
  };
}

/** A namespace with one service account, its role, and the secret that its services read. */
async function enrolledIdentity({ lab, plane, clients }: FleetBase, target: Target, name: string): Promise<Identity> {
  const { config } = lab;
  const facts = await factsFor(lab, target);
  const role = (use: string) => `arn:aws:iam::${target.account}:role/${name}-${use}`;
  const roles = { taskRoleArn: role("task"), executionRoleArn: role("execution") };
  const tags = { [config.enrollTagKey]: "true", [tagKeys.namespace]: name, [tagKeys.serviceAccount]: "app" };
  // As they are taken from the definition.
  const given = { [tagKeys.ports]: "http:80:8080" };
  const parsed = parseRequest(tags, {
    clusterName: "fleet",
    serviceName: name,
    domain: target.domain,
    enrollTagKey: config.enrollTagKey,
    keys: config.keys,
  });
  if (!("ok" in parsed)) throw new Error(`bad tags: ${JSON.stringify(parsed.refusals)}`);
  // Their roles differ: a ztunnel proves its identity with the task role's credentials.
  const roleArn = roles.taskRoleArn;
  await plane(facts.controlPlane).ensureNamespace(name);
  await plane(facts.controlPlane).ensureServiceAccount({ namespace: name, serviceAccount: "app", roleArn });
  const secrets = secretsGateway(clients.at(target));
  const { executionRoleArn } = roles;
  const ref = serviceRef(`arn:aws:ecs:${target.region}:${target.account}:service/fleet/${name}`);
  const calls = { secrets, ledger: lab.ledger };
  const valueFrom = await ensureSecret(desiredToken(parsed.ok, facts), { ref, executionRoleArn }, calls);
  return { target, name, tags: { ...tags, ...given }, roles, request: parsed.ok, valueFrom };
}

async function factsFor({ config, ledger }: Lab, target: Place): Promise<MeshFacts> {
  const plane = controlPlaneFor(config, target);
  const facts = plane && (await ledger.getMeshFacts(plane.name));
  if (!facts) throw new Error(`no mesh facts for ${target.account}/${target.region}: prepare the lab first`);
  return facts;
}

async function enrolledService(
  ground: FleetBase,
  identity: Identity,
  { number, desiredCount, build }: { readonly number: number; readonly desiredCount: number; readonly build: Inject },
): Promise<string> {
  const { lab } = ground;
  const { target, valueFrom } = identity;
  const name = `service-${number}`;
  const plain = plainDefinition(name, identity);
  const current = { taskDefinitionArn: "", raw: plain, tags: [] };
  const cluster = await clusterFor(ground, target, `fleet-${Math.floor(number / SERVICES_PER_CLUSTER)}`);
  const injected = build(plain, sidecarSpec({ image: lab.config.ztunnel.image, ...identity }, valueFrom, lab.config));
  if (!injected.ok) throw new Error(`${injected.refusal}: ${injected.detail}`);
  const serviceArn = `arn:aws:ecs:${target.region}:${target.account}:service/${cluster}/${name}`;
  const noState = { shape: 1, serviceArn, enrolled: false, attemptNumber: 0, consecutiveFailures: 0 } as const;
  const registered = await registerOnce(
    injected.definition,
    current,
    { ...noState, secretsInUse: [], addedTagKeys: [] },
    {
      describeTaskDefinition: async () => current,
      describeLatestTaskDefinition: async () => undefined,
      registerTaskDefinition: async (definition) =>
        revisionArn(await ecsCall(lab, target, "RegisterTaskDefinition", definition)),
    },
  );
  await ecsCall(lab, target, "CreateService", {
    cluster,
    serviceName: name,
    taskDefinition: registered.taskDefinitionArn,
    desiredCount,
    launchType: "FARGATE",
    propagateTags: "SERVICE",
    networkConfiguration: { awsvpcConfiguration: { subnets: ["subnet-0a1b2c3d"] } },
    tags: tagList(identity.tags),
  });
  const controlPlane = controlPlaneFor(lab.config, target)?.name;
  await lab.ledger.patchService(serviceArn, {
    enrolled: true,
    ...(controlPlane !== undefined && { controlPlane }),
    attemptNumber: 1,
    lastGoodRevisionArn: registered.taskDefinitionArn,
    lastGoodSecret: valueFrom,
    secretsInUse: [valueFrom],
    registered,
    lastOutcome: {
      outcome: "succeeded",
      reason: "enroll",
      executionName: executionName({ serviceArn, observedRevisionArn: "", desiredContent: valueFrom, attempt: 0 }),
      at: new Date(lab.clock.now()).toISOString(),
    },
  });
  return serviceRef(serviceArn).serviceArn;
}

async function clusterFor({ lab, clusters }: FleetBase, { account, region }: Place, name: string): Promise<string> {
  const key = `${account}/${region}/${name}`;
  if (!clusters.has(key)) {
    const tags = tagList({ [DISCOVERY_TAG]: "true" });
    await ecsCall(lab, { account, region }, "CreateCluster", { clusterName: name, tags });
    clusters.add(key);
  }
  return name;
}

/** A call to the simulation itself: at no rate, and without the way through HTTP. */
async function ecsCall(lab: Lab, { account, region }: Place, call: string, input: JsonObject): Promise<JsonObject> {
  const answer = await lab.ecs.operations[call]?.(input, { account, region });
  if (!isJsonObject(answer)) throw new Error(`${call} answered no object`);
  return answer;
}

function plainDefinition(family: string, { roles }: Pick<Identity, "roles">): JsonObject {
  return {
    family,
    ...roles,
    networkMode: "awsvpc",
    requiresCompatibilities: ["FARGATE"],
    cpu: "512",
    memory: "1024",
    containerDefinitions: [
      {
        name: "web",
        image: `shop/${family}:1`,
        essential: true,
        portMappings: [{ containerPort: 8080 }],
        logConfiguration: applicationLogs(family),
      },
    ],
  };
}

function tagList(byKey: Tags): Json {
  return Object.entries(byKey).map(([key, value]) => ({ key, value }));
}
