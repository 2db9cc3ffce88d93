import { describe, expect, it } from "vitest";
import type { JsonObject } from "../../../shared/base/json.ts";
import { decide, identityRefusal } from "../../../shared/enrollment/decide.ts";
import { familyRefusal } from "../../../shared/enrollment/families.ts";
import { refusals } from "../../../shared/model/reason-texts.ts";
import { reasonsOf } from "../../support/enrolled-services.ts";
import {
  application,
  config,
  EXECUTION_ROLE,
  enrolled,
  facts,
  observed,
  service,
  TASK_ROLE,
  taskDefinition,
} from "../../support/services.ts";

describe("refusals", () => {
  const containers = (count: number): JsonObject[] =>
    Array.from({ length: count }, (_, index) => ({ ...application, name: `c${index}`, cpu: 0, portMappings: [] }));
  const port = (containerPort: number): JsonObject => ({
    containerDefinitions: [{ ...application, portMappings: [{ containerPort }] }],
  });

  const tags = (count: number): Record<string, string> =>
    Object.fromEntries(Array.from({ length: count }, (_, index) => [`team-${index}`, "x"]));
  const { "ecs.solo.io/ports": _, ...withoutPorts } = enrolled;

  const memberOf = (expression: string): JsonObject => ({ type: "memberOf", expression });

  const refused: [string, Parameters<typeof observed>[0]][] = [
    ["service-not-active", { service: service({ status: "DRAINING" }) }],
    ["other-stage", { service: service({ tags: { ...service().tags, "ztunnel-autopilot-dev/enroll": "true" } }) }],
    ["other-stage", { clusterTags: { "ztunnel-autopilot-dev/enroll": "true" } }],
    ["deployment-controller", { service: service({ deploymentController: "CODE_DEPLOY" }) }],
    ["deployment-controller", { service: service({ deploymentController: "EXTERNAL" }) }],
    ["platform-version", { service: service({ platformVersion: "1.3.0" }) }],
    ["network-mode", { raw: taskDefinition({ networkMode: "bridge" }) }],
    ["windows", { raw: taskDefinition({ runtimePlatform: { operatingSystemFamily: "WINDOWS_SERVER_2022_CORE" } }) }],
    ["app-mesh", { raw: taskDefinition({ proxyConfiguration: { type: "APPMESH", containerName: "envoy" } }) }],
    ["no-task-role", { raw: taskDefinition({ taskRoleArn: "" }) }],
    ["no-execution-role", { raw: taskDefinition({ executionRoleArn: "" }) }],
    ["foreign-role", { raw: taskDefinition({ executionRoleArn: "arn:aws:iam::123456789012:root" }) }],
    ["foreign-role", { raw: taskDefinition({ executionRoleArn: "arn:aws:iam::123456789012:user/mallory" }) }],
    ["foreign-role", { raw: taskDefinition({ taskRoleArn: "arn:aws:iam::999999999999:role/web-task" }) }],
    ["port-collision", { raw: taskDefinition(port(15008)) }],
    ["too-many-containers", { raw: taskDefinition({ containerDefinitions: containers(10) }) }],
    [
      "foreign-ztunnel",
      { raw: taskDefinition({ containerDefinitions: [application, { name: "ztunnel", image: "mine:1" }] }) },
    ],
    [
      "definition-too-large",
      {
        raw: taskDefinition({
          containerDefinitions: [{ ...application, environment: [{ name: "BIG", value: "x".repeat(65_000) }] }],
        }),
      },
    ],
    [
      "dependency-cycle",
      {
        raw: taskDefinition({
          containerDefinitions: [
            { ...application, name: "a", dependsOn: [{ containerName: "b", condition: "START" }] },
            { ...application, name: "b", portMappings: [], dependsOn: [{ containerName: "a", condition: "START" }] },
          ],
        }),
      },
    ],
    ["bad-tag", { service: service({ tags: { ...enrolled, "ecs.solo.io/namespace": "Shop" } }) }],
    [
      "image-not-allowed",
      { service: service({ tags: { ...enrolled, "ztunnel-autopilot/image": "evil.example.com/ztunnel:1" } }) },
    ],
    ["version-skew", { facts: { ...facts, istiodVersion: "1.27.3" } }],
    ["bad-tag", { service: service({ tags: { "ztunnel-autopilot/enroll": "yes" } }) }],
    ["bad-tag", { service: service({ tags: { "ztunnel-autopilot/enrol": "true" } }) }],
    ["windows", { raw: taskDefinition({ placementConstraints: [memberOf("attribute:ecs.os-type == windows")] }) }],
    [
      "windows",
      { service: service({ placementExpressions: ["attribute:ecs.os-family in [WINDOWS_SERVER_2022_CORE]"] }) },
    ],
    ["node-daemon", { service: service({ tags: { ...enrolled, "ztunnel-autopilot/platform": "ecs-ec2" } }) }],
    ["express-mode", { service: service({ resourceManagement: "ECS" }) }],
    ["no-deployment-room", { service: service({ deploymentPercents: { minimumHealthy: 100, maximum: 100 } }) }],
    [
      "no-deployment-room",
      { service: service({ desiredCount: 1, deploymentPercents: { minimumHealthy: 50, maximum: 150 } }) },
    ],
    [
      "no-deployment-room",
      {
        service: service({
          schedulingStrategy: "DAEMON",
          deploymentPercents: { minimumHealthy: 100, maximum: 200 },
        }),
      },
    ],
    ["no-tag-room", { service: service({ tags: { ...tags(47), ...withoutPorts } }) }],
    ["no-tag-room", { clusterTags: tags(50) }],
    ["namespace-not-allowed", { config: config({ allowedNamespaces: ["team-*", "default"] }) }],
    ["namespace-not-allowed", { service: service({ tags: { ...enrolled, "ecs.solo.io/namespace": "kube-system" } }) }],
    [
      "namespace-not-allowed",
      { service: service({ tags: { ...enrolled, "ecs.solo.io/namespace": "istio-eastwest" } }) },
    ],
    ["roles-differ", { config: config({ identityRole: "execution" }) }],
  ];
  it.each(refused)("%s is refused", (reason, changes) => {
    const decision = decide(observed(changes));
    expect(reasonsOf(decision)).toEqual([reason]);
  });

  it("are all shown here", () => {
    const elsewhere = [
      "no-control-plane",
      "shared-family",
      "identity-conflict",
      "role-shared",
      "namespace-not-ambient",
      "mesh-name",
    ];
    const shown = [...refused.map(([reason]) => reason), ...elsewhere];
    expect(new Set(shown)).toEqual(new Set(Object.keys(refusals)));
  });

  it("no-control-plane is refused without mesh facts", () => {
    const elsewhere = config({
      accounts: [
        { role: "arn:aws:iam::123456789012:role/istiod", domain: "ecs.local", regions: ["us-east-1", "eu-west-1"] },
      ],
      controlPlanes: [
        { name: "eu", kubeconfigSecret: "kube", serves: [{ account: "123456789012", regions: ["eu-west-1"] }] },
      ],
    });
    expect(reasonsOf(decide(observed({ config: elsewhere, facts: undefined })))).toEqual(["no-control-plane"]);
  });

  it("are listed all at once, most fundamental first", () => {
    const decision = decide(
      observed({
        service: service({ status: "INACTIVE", tags: { ...enrolled, "ztunnel-autopilot/wave": "2" } }),
        raw: taskDefinition({ networkMode: "host", executionRoleArn: "", ...port(15008) }),
      }),
    );
    expect(reasonsOf(decision)).toEqual([
      "service-not-active",
      "network-mode",
      "no-execution-role",
      "bad-tag",
      "port-collision",
    ]);
  });

  it.each([undefined, "1.4.0", "LATEST", "1.10.0"])("platform version %s is fine", (platformVersion) => {
    expect(decide(observed({ service: service({ platformVersion }) })).action).toBe("enroll");
  });

  it.each([
    "attribute:ecs.os-type == linux",
    "attribute:ecs.os-type != windows",
    "not(attribute:ecs.os-type == windows)",
    "attribute:ecs.os-family !in [WINDOWS_SERVER_2022_CORE]",
    "attribute:ecs.os-type == windows or attribute:ecs.os-type == linux",
    "attribute:team == windows",
  ])("the placement constraint %s is fine", (expression) => {
    expect(decide(observed({ service: service({ placementExpressions: [expression] }) })).action).toBe("enroll");
  });

  it("does not look at the platform version of EC2", () => {
    const ec2 = service({ launchType: "EC2", platformVersion: "1.0.0" });
    expect(decide(observed({ service: ec2 })).action).toBe("enroll");
  });

  it("an allowed namespace may be a prefix", () => {
    expect(decide(observed({ config: config({ allowedNamespaces: ["sh*"] }) })).action).toBe("enroll");
  });

  it("shared-family is reported for what others use, unless the policy allows it", () => {
    const use = { family: "web", services: [] };
    expect(familyRefusal(use, config())).toBeUndefined();
    const others = { ...use, services: ["prod/worker"] };
    expect(familyRefusal(others, config())).toMatchObject({
      reason: "shared-family",
      detail: "web is also that of prod/worker.",
    });
    expect(familyRefusal({ ...use, newer: "arn:aws:ecs:us-east-1:1:task-definition/web:9" }, config())).toMatchObject({
      reason: "shared-family",
      detail: "web:9 is newer.",
    });
    expect(familyRefusal(others, config({ policy: { sharedFamilies: true } }))).toBeUndefined();
  });

  it("identity-conflict is reported when the service account is bound to another role", () => {
    const identity = { namespace: "shop", serviceAccount: "web", roleArn: TASK_ROLE };
    const by = (annotation: string, roleArn: string) => ({ annotation, roleArn });
    const own = by("ecs.solo.io/role-arn", TASK_ROLE);
    expect(identityRefusal([], identity)).toBeUndefined();
    expect(identityRefusal([own], identity)).toBeUndefined();
    expect(identityRefusal([by("ecs.solo.io/role-arn", EXECUTION_ROLE)], identity)?.reason).toBe("identity-conflict");
    const second = identityRefusal([own, by("eks.amazonaws.com/role-arn", EXECUTION_ROLE)], identity);
    expect(second).toMatchObject({ reason: "identity-conflict" });
    expect(second?.detail).toContain("eks.amazonaws.com/role-arn");
  });
});

describe("warnings", () => {
  it.each<[string, Parameters<typeof observed>[0]]>([
    ["headroom", { raw: taskDefinition({ cpu: "256", memory: "512" }) }],
    ["headroom", { raw: taskDefinition({ containerDefinitions: [{ ...application, cpu: 960 }] }) }],
    ["no-log", { raw: taskDefinition({ containerDefinitions: [{ ...application, logConfiguration: null }] }) }],
    [
      "proxy-env",
      {
        service: service({ tags: { ...enrolled, "ztunnel-autopilot/proxy-env": "true" } }),
        raw: taskDefinition({
          containerDefinitions: [
            { ...application, environment: [{ name: "HTTPS_PROXY", value: "http://proxy:3128" }] },
          ],
        }),
      },
    ],
    ["slow-deployment", { service: service({ deploymentStrategy: "BLUE_GREEN" }) }],
    ["slow-deployment", { service: service({ hasPauseHook: true }) }],
    ["service-connect", { service: service({ usesServiceConnect: true }) }],
    ["version-skew", { facts: { ...facts, istiodVersion: "1.29.0-solo" } }],
  ])("%s is reported, and the service is enrolled nevertheless", (code, changes) => {
    const decision = decide(observed(changes));
    expect(decision).toMatchObject({ action: "enroll", warnings: [{ code }] });
  });

  it("headroom says what the kernel gives ztunnel under load, and a share of its own ends it", () => {
    const raw = taskDefinition({ containerDefinitions: [{ ...application, cpu: 900 }] });
    const { ztunnel } = config();
    expect(decide(observed({ raw }))).toMatchObject({
      warnings: [{ code: "headroom", detail: "Left for ztunnel: 2 CPU units under load." }],
    });
    const larger = config({ ztunnel: { ...ztunnel, cpu: 64 } });
    expect(decide(observed({ raw, config: larger }))).toMatchObject({ warnings: [] });
  });

  it("no-log is not reported with a log group of the region", () => {
    const raw = taskDefinition({ containerDefinitions: [{ ...application, logConfiguration: null }] });
    const logged = config({ ztunnel: { ...config().ztunnel, logs: { "us-east-1": "/ecs/ztunnel" } } });
    expect(decide(observed({ raw, config: logged }))).toMatchObject({ warnings: [] });
    const elsewhere = config({ ztunnel: { ...config().ztunnel, logs: { "eu-west-1": "/ecs/ztunnel" } } });
    expect(decide(observed({ raw, config: elsewhere }))).toMatchObject({ warnings: [{ code: "no-log" }] });
  });

  it.each([
    ["registry.example.com:5000/ztunnel", "1.29.0"],
    ["registry.example.com/ztunnel:latest", "1.29.0"],
    [`registry.example.com/ztunnel@sha256:${"a".repeat(64)}`, "1.29.0"],
    ["registry.example.com/ztunnel:v1.29.7-solo", "1.29.0"],
    ["registry.example.com/ztunnel:1.28.1", undefined],
  ])("no version-skew is reported for image %s and istiod %s", (image, istiodVersion) => {
    const { istiodVersion: _version, ...rest } = facts;
    const known = istiodVersion === undefined ? rest : { ...rest, istiodVersion };
    expect(decide(observed({ config: config({ ztunnel: { image } }), facts: known }))).toMatchObject({ warnings: [] });
  });
});
