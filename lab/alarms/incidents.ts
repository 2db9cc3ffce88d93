import { serviceRef } from "../../shared/base/arn.ts";
import type { JsonObject } from "../../shared/base/json.ts";
import { DEFAULT_ENROLL_TAG, silenceEnding, sweepEnding } from "../../shared/base/vocabulary.ts";
import { homeBusArn, resourceName, roleArn } from "../../stacks/definitions/deployment.ts";
import { forwardedHeartbeat, heartbeatsOf } from "../../stacks/definitions/heartbeat.ts";
import { lambdaTrust } from "../../stacks/definitions/permissions.ts";
import type { Lab } from "../autopilot/lab.ts";
import { forwardingRoleArn, installRoles, labDeployment } from "../autopilot/roles.ts";
import type { LabDriver, ServiceName } from "../story/lab-driver.ts";

/** What is done to a lab, and which alarms it should set off. */
export interface Incident {
  readonly name: string;
  /** What happens, for people. */
  readonly what: string;
  /** The endings of the alarms that go off, once each, and end when it is mended. */
  readonly rings: readonly string[];
  /** Members of the policy that it needs. */
  readonly policy?: JsonObject;
  /** How long it lasts; a day without it. */
  readonly minutes?: number;
  /** Begins it. Returns what mends it. */
  readonly begin: (stage: Stage) => Promise<() => Promise<void> | void> | (() => Promise<void> | void);
}

interface Stage {
  readonly driver: LabDriver;
  /** The services of the fleet. */
  readonly arns: readonly string[];
}

type Fault = Parameters<Lab["faults"]["add"]>[0];

const MEMBER = { account: "210987654321", region: "us-west-2" } as const;
const HOME = { account: "123456789012", region: "us-east-1" } as const;
/** The parameter with the fleet's image. */
export const FLEET_IMAGE_PARAMETER = "/mesh/ztunnel-image";
const BAD_IMAGE = "example.com/ztunnel:1.28.9";

/** An incident that lasts as long as these fault rules. */
function faulty(...faults: readonly Fault[]): Incident["begin"] {
  return ({ driver: { lab } }) => {
    for (const fault of faults) lab.faults.add(fault);
    return () => lab.faults.replace([]);
  };
}

/** The same, and who mends it sends the dead letters again. */
function redriven(begin: Incident["begin"]): Incident["begin"] {
  return async (stage) => {
    const mend = await begin(stage);
    return async () => {
      await mend();
      stage.driver.lab.lambda.deadLetters.splice(0);
    };
  };
}

/** A function that ends at every call. */
const dead = (name: string): Fault => ({ kind: "lambda-crash", match: { function: name, call: "*" } });

function serviceOf(arn = ""): ServiceName {
  const { account, region, clusterName, serviceName } = serviceRef(arn);
  return { account, region, cluster: clusterName, name: serviceName };
}

/** A deployment without the sidecar, as of a pipeline that does not know it. */
async function deployBare(driver: LabDriver, service: ServiceName): Promise<void> {
  const { containerDefinitions, ...definition } = await driver.definitionOf(service);
  const containers = Array.isArray(containerDefinitions) ? containerDefinitions : [];
  const others = containers.filter((one) => JSON.stringify(one).includes('"name":"ztunnel"') === false);
  await driver.deploy(service, { ...definition, containerDefinitions: others.map(withoutDependencies) });
}

function withoutDependencies(container: unknown): JsonObject {
  const { dependsOn: _, ...rest } = container as JsonObject; // of a task definition that the lab has described
  return rest;
}

/** Somebody wants another image for the fleet by the parameter, or the old one again. */
async function putImage({ lab }: LabDriver, image: string): Promise<void> {
  const input = { Name: FLEET_IMAGE_PARAMETER, Value: image, Type: "String", Overwrite: true };
  await lab.call(HOME, "PutParameter", input, "AmazonSSM");
}

/** Nothing fails any more, and somebody rolls the failed rollout back. */
async function rollBack(driver: LabDriver): Promise<void> {
  driver.lab.faults.replace([]);
  for (const { id, status } of await Array.fromAsync(driver.lab.ledger.listRollouts()))
    if (status === "failed") await driver.control({ rolloutId: id, action: "rollback", requestedBy: "ann" });
}

/** The incidents of the table, each of which lasts for a day unless it says otherwise. */
export const incidents: readonly Incident[] = [
  { name: "a healthy day", what: "nothing", rings: [], begin: () => () => undefined },
  {
    name: "member role denied",
    what: "the member account's role allows nothing",
    rings: [sweepEnding(MEMBER)],
    begin: ({ driver: { lab } }) => {
      const deployment = labDeployment(lab.config);
      const arn = roleArn(MEMBER, deployment.memberRoleName);
      lab.iam.putRole({ roleArn: arn, trust: lambdaTrust(deployment), policies: [] });
      return () => installRoles(lab.iam, lab.config);
    },
  },
  {
    name: "forwarding rule gone",
    what: "somebody has deleted the rules of a region",
    rings: [silenceEnding(MEMBER)],
    begin: ({ driver: { lab } }) => {
      const deployment = labDeployment(lab.config);
      const { name, pattern } = forwardedHeartbeat(heartbeatsOf(deployment));
      const full = resourceName(deployment, name);
      lab.eventBridge.removeRule(MEMBER, full);
      const roleArn = forwardingRoleArn(deployment, MEMBER.account);
      const targets = [homeBusArn(deployment)];
      return () => lab.eventBridge.putRule(MEMBER, { name: full, pattern: { ...pattern }, targets, roleArn });
    },
  },
  {
    name: "AWS's events lost",
    what: "no event of a service arrives; sweeps see what they were about",
    rings: [],
    begin: faulty({ kind: "lose-event", match: { detailType: "ECS *" } }),
  },
  {
    name: "sweep dead",
    what: "every sweep ends at once",
    rings: ["sweep-not-run"],
    begin: faulty(dead("sweep-services")),
  },
  {
    name: "watch dead",
    what: "every watch of the root CAs ends at once",
    rings: ["root-ca-not-watched"],
    begin: faulty(dead("watch-root-ca")),
  },
  {
    name: "guard dead",
    what: "every run ends at once",
    rings: ["rollout-guard-not-run"],
    begin: faulty(dead("rollout/guard")),
  },
  {
    name: "requests dead",
    what: "every run of rollout/request ends at once; who mends it redrives",
    rings: ["failed-invocations-not-empty", "rollout-request-not-run"],
    begin: redriven(faulty(dead("rollout/request"))),
  },
  {
    name: "report dead",
    what: "every run ends at once; who mends it redrives",
    rings: ["failed-invocations-not-empty", "rollout-report-not-run"],
    begin: redriven(faulty(dead("rollout/report"))),
  },
  {
    name: "control plane down",
    what: "its Kubernetes API answers nothing",
    rings: ["root-ca-not-watched"],
    begin: faulty({ kind: "kubernetes-down" }),
  },
  {
    name: "Slack down",
    what: "Slack takes no message; a pipeline deploys without the sidecar",
    rings: ["slack-is-silent"],
    begin: async ({ driver, arns }) => {
      driver.lab.faults.add({ kind: "slack-down" });
      await deployBare(driver, serviceOf(arns[0]));
      return () => driver.lab.faults.replace([]);
    },
  },
  {
    name: "dead letters",
    what: "reconciles end at once for half an hour; who mends it redrives",
    rings: ["failed-invocations-not-empty"],
    begin: lostEvents(({ lambda }) => lambda.deadLetters.splice(0)),
  },
  {
    name: "destination fails",
    what: "the same, and the queue of dead letters takes none",
    rings: ["reconcile-service-events-lost"],
    minutes: 60,
    begin: (stage) => {
      stage.driver.lab.lambda.destinationFails = true;
      return lostEvents((lambda) => {
        lambda.lambda.destinationFails = false;
      })(stage);
    },
  },
  {
    name: "ledger throttled",
    what: "DynamoDB refuses reads of the fleet's state",
    rings: [
      "failed-invocations-not-empty",
      "ledger-reads-throttled",
      "rollout-guard-not-run",
      "rollout-report-not-run",
      "rollout-request-not-run",
    ],
    begin: redriven(faulty({ kind: "throttle", match: { call: "ledger.getFleet" } })),
  },
  {
    name: "roll not reverted",
    what: "a service's ztunnel does not get healthy, in any revision, after a pipeline's deployment",
    rings: ["roll-not-reverted"],
    begin: async ({ driver, arns }) => {
      const service = serviceOf(arns[0]);
      driver.lab.faults.add({ kind: "task-stops", match: { service: service.name } });
      await deployBare(driver, service);
      return () => driver.lab.faults.replace([]);
    },
  },
  {
    name: "rollout rolled back",
    what: "the image parameter has a bad image for a day, then the old one",
    rings: ["rollout-unresolved"],
    begin: async ({ driver }) => {
      driver.lab.faults.add({ kind: "container-unhealthy", match: { image: BAD_IMAGE } });
      await putImage(driver, BAD_IMAGE);
      return () => putImage(driver, driver.lab.config.ztunnel.image);
    },
  },
  {
    name: "rollout stuck",
    what: "Lambda does not let a step of the rollout run, whose services fail; then the old image again",
    rings: ["rollout-unresolved"],
    begin: async ({ driver }) => {
      const error = "Lambda.TooManyRequestsException";
      driver.lab.faults.add({ kind: "lambda-service-error", match: { function: "rollout/take" }, error });
      await putImage(driver, "example.com/ztunnel:1.28.2");
      return () => {
        driver.lab.faults.replace([]);
        return putImage(driver, driver.lab.config.ztunnel.image);
      };
    },
  },
  {
    name: "rollout failed",
    what: "a step of the rollout fails for a day; who mends it rolls it back",
    rings: ["rollout-unresolved"],
    begin: async ({ driver }) => {
      driver.lab.faults.add({ kind: "lambda-service-error", match: { function: "rollout/assess-wave" } });
      await putImage(driver, "example.com/ztunnel:1.28.2");
      return () => rollBack(driver);
    },
  },
  {
    name: "tags lost",
    what: "the enroll tags of three services are gone, and one may leave the mesh with each sweep",
    rings: ["unenrolls-postponed"],
    policy: { maxUnenrollPerSweep: 0 },
    begin: async ({ driver, arns }) => {
      driver.lab.faults.add({ kind: "lose-event", match: { detailType: "Tag Change*" } });
      const some = arns.slice(0, 3).map(serviceOf);
      for (const service of some) await driver.untag(service, DEFAULT_ENROLL_TAG);
      return async () => {
        for (const service of some) await driver.tag(service, { [DEFAULT_ENROLL_TAG]: "true" });
      };
    },
  },
];

/** Reconciles fail for half an hour, in which pipelines deploy: their events come too late for every try. */
function lostEvents(mend: (lab: Lab) => unknown): Incident["begin"] {
  return async ({ driver, arns }) => {
    driver.lab.faults.add(dead("reconcile-service"));
    void (async () => {
      for (const arn of arns.slice(0, 3)) {
        await deployBare(driver, serviceOf(arn));
        await driver.minutes(9);
      }
      driver.lab.faults.replace([]);
    })();
    return () => void mend(driver.lab);
  };
}
