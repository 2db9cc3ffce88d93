import { describe, expect, it } from "vitest";
import autopilotConfig from "../../../autopilot.config.ts";
import {
  type ConfigInput,
  controlPlaneFor,
  parseConfig,
  parseDeployedConfig,
  targetsOf,
} from "../../../shared/config/config.ts";

const HOME = "123456789012";
const FAR = "210987654321";

const account = { role: `arn:aws:iam::${HOME}:role/istiod`, domain: "ecs.local", regions: ["us-east-1"] };
const eks = { cluster: "mesh", region: "us-east-1", account: HOME };
const plane = { name: "main", eks, serves: [{ account: HOME, regions: ["us-east-1"] }] };
const valid: ConfigInput = {
  homeRegion: "us-east-1",
  homeAccount: HOME,
  accounts: [account],
  controlPlanes: [plane],
  ztunnel: { image: "ztunnel:1.28.1" },
  allowedNamespaces: ["*"],
  slack: { secretName: "slack", channel: "#ops" },
};

describe("a configuration", () => {
  it("has defaults for omitted members", () => {
    const config = parseConfig(valid);
    expect(config).toMatchObject({
      name: "ztunnel-autopilot",
      allowedNamespaces: ["*"],
      identityRole: "task",
      enrollTagKey: "ztunnel-autopilot/enroll",
      memberRoleName: "ztunnel-autopilot-member",
      ztunnel: { healthCheckCommand: ["ztunnel", "healthcheck"], startTimeoutSeconds: 120 },
      policy: {
        inFlight: "replace",
        deploymentDeadlineMinutes: 30,
        maxUnenrollPerSweep: 5,
        propagateTags: true,
        identityGraceDays: 7,
      },
    });
  });

  it("of the repository is valid", () => {
    expect(() => parseConfig(autopilotConfig)).not.toThrow();
  });

  it("has the home region as the default of an account's regions", () => {
    const config = parseConfig({ ...valid, accounts: [{ ...account, regions: [] }] });
    expect(targetsOf(config)).toEqual([{ account: HOME, region: "us-east-1", domain: "ecs.local" }]);
  });

  it("has the control plane of an account and region", () => {
    const config = parseConfig(valid);
    expect(controlPlaneFor(config, { account: HOME, region: "us-east-1" })?.name).toBe("main");
    expect(controlPlaneFor(config, { account: HOME, region: "eu-west-1" })).toBeUndefined();
    expect(controlPlaneFor(config, { account: FAR, region: "us-east-1" })).toBeUndefined();
  });
});

/** A copy of the object with another value of the member at the path. */
function withMember(object: object, path: string, value: unknown): object {
  const [head = "", ...rest] = path.split(".");
  const inner: unknown = Reflect.get(object, head);
  const changed = rest.length === 0 ? value : withMember(Object(inner ?? {}), rest.join("."), value);
  if (!Array.isArray(object)) return { ...object, [head]: changed };
  return object.map((item: unknown, index) => (String(index) === head ? changed : item));
}

describe("a configuration is refused, and the error names the field, when", () => {
  it.each<[string, unknown]>([
    ["name", "Has Blanks"],
    ["homeRegion", "somewhere"],
    ["homeRegion", undefined],
    ["homeAccount", "12345"],
    ["homeAccount", 123456789012],
    ["accounts", []],
    ["accounts.0.role", "istiod"],
    ["accounts.0.role", `arn:aws:iam::${HOME}:user/istiod`],
    ["accounts.0.domain", "not a domain"],
    ["accounts.0.regions", ["everywhere"]],
    ["memberRoleName", "has blanks"],
    ["ztunnel.imageParameter", "mesh/ztunnel-image"],
    ["ztunnel.imageParameter", "/AWS/ztunnel-image"],
    ["ztunnel.imageParameter", "ssm-image"],
    ["ztunnel.imageParameter", "/a".repeat(16)],
    ["controlPlanes", []],
    ["controlPlanes.0.name", "Main"],
    ["controlPlanes.0.eks", undefined],
    ["controlPlanes.0.eks.cluster", ""],
    ["controlPlanes.0.eks.region", "x"],
    ["controlPlanes.0.eks.account", "1"],
    ["controlPlanes.0.kubeconfigSecret", "beside eks"],
    ["controlPlanes.0.serves", []],
    ["controlPlanes.0.serves.0.account", "1"],
    ["controlPlanes.0.serves.0.regions", []],
    ["ztunnel.image", "not an image"],
    ["ztunnel.image", ""],
    ["ztunnel.healthCheckCommand", []],
    ["ztunnel.startTimeoutSeconds", 121],
    ["ztunnel.startTimeoutSeconds", 2.5],
    ["ztunnel.memoryReservationMiB", 5],
    ["ztunnel.memoryMiB", 127],
    ["ztunnel.cpu", -1],
    ["ztunnel.user", ""],
    ["ztunnel.readonlyRootFilesystem", "true"],
    ["ztunnel.stopTimeoutSeconds", 121],
    ["ztunnel.environment", { BOOTSTRAP_TOKEN: "x" }],
    ["ztunnel.environment", { "RUST-LOG": "x" }],
    ["ztunnel.repositoryCredentials", "arn"],
    ["ztunnel.logs", { everywhere: "/ecs/ztunnel" }],
    ["ztunnel.logs", { "us-east-1": "a group" }],
    ["policy.versionSkew", "ignore"],
    ["allowedNamespaces", undefined],
    ["allowedNamespaces", []],
    ["allowedNamespaces.0", "kube-system"],
    ["allowedNamespaces.0", "kube-*"],
    ["allowedNamespaces.0", "istio-eastwest"],
    ["policy.eksRoleAnnotation", "warn"],
    ["policy.sharedRoles", "ignore"],
    ["policy.labelNamespaces", "yes"],
    ["policy.identityGraceDays", 0],
    ["allowedNamespaces", "shop"],
    ["identityRole", "both"],
    ["enrollTagKey", ""],
    ["enrollTagKey", "k".repeat(129)],
    ["policy.inFlight", "later"],
    ["policy.deploymentDeadlineMinutes", 0],
    ["policy.deploymentDeadlineMinutes", "30"],
    ["policy.pollIntervalMinutes", 61],
    ["policy.failedTasksLimit", 0],
    ["policy.verifyDeadlineMinutes", -1],
    ["policy.attemptDelaysMinutes", []],
    ["policy.minHeadroom.cpuUnits", -1],
    ["policy.minHeadroom.memoryMiB", "1"],
    ["policy.maxUnenrollPerSweep", -1],
    ["policy.maxRollsPerSweep", 0],
    ["policy.propagateTags", "yes"],
    ["policy.leaseMinutes", 0],
    ["policy.leaseMinutes", 1e12],
    ["policy.pollIntervalMinutes", 1e-9],
    ["policy.verifyDeadlineMinutes", 0.5],
    ["policy.attemptDelaysMinutes", [1e-9]],
    ["policy.attemptDelaysMinutes", [1e308]],
    ["slack", undefined],
    ["slack.secretName", ""],
    ["slack.channel", ""],
  ])("%s is %j", (path, value) => {
    const field = path.replace(/\.(\d+)/g, "[$1]").replace(/\.(eks|kubeconfigSecret)$/, "");
    expect(() => parseConfig(withMember(valid, path, value))).toThrow(
      expect.objectContaining({ code: "invalid-config", detail: expect.stringContaining(field) }),
    );
  });

  it.each(["surprise", "accounts.0.surprise", "controlPlanes.0.surprise", "controlPlanes.0.eks.surprise"])(
    "%s is an unknown key",
    (path) => {
      expect(() => parseConfig(withMember(valid, path, true))).toThrow(
        expect.objectContaining({ code: "invalid-config", detail: expect.stringContaining('"surprise"') }),
      );
    },
  );

  it.each(["ztunnel", "policy", "slack"])("%s has an unknown key", (section) => {
    expect(() => parseConfig(withMember(valid, `${section}.surprise`, true))).toThrow(/"surprise"/);
  });

  it("several members are wrong, which are all named", () => {
    const broken = withMember(withMember(valid, "homeRegion", "x"), "slack.channel", "");
    expect(() => parseConfig(broken)).toThrow(/homeRegion.*channel|channel.*homeRegion/s);
  });

  it.each([undefined, null, "text", 7, []])("it is %j", (input) => {
    expect(() => parseConfig(input)).toThrow(expect.objectContaining({ code: "invalid-config" }));
  });
});

describe("control planes", () => {
  it("may not overlap", () => {
    const controlPlanes = [plane, { ...plane, name: "second" }];
    expect(() => parseConfig({ ...valid, controlPlanes })).toThrow(
      `${HOME}/us-east-1 is served by both main and second`,
    );
  });

  it("may not share a name, because it is the key of the mesh's record", () => {
    const accounts = [{ ...account, regions: ["us-east-1", "eu-west-1"] }];
    const controlPlanes = [plane, { ...plane, serves: [{ account: HOME, regions: ["eu-west-1"] }] }];
    expect(() => parseConfig({ ...valid, accounts, controlPlanes })).toThrow("two controlPlanes are called main");
  });

  it("serve only configured accounts and regions", () => {
    const controlPlanes = [{ ...plane, serves: [{ account: FAR, regions: ["us-east-1"] }] }];
    expect(() => parseConfig({ ...valid, controlPlanes })).toThrow(
      `controlPlanes.main serves ${FAR}/us-east-1, which is not in accounts`,
    );
  });
});

describe("accounts", () => {
  it("may not name an account and region twice, because it would be swept twice", () => {
    expect(() => parseConfig({ ...valid, accounts: [account, { ...account, domain: "other" }] })).toThrow(
      `accounts name ${HOME}/us-east-1 twice`,
    );
  });
});

describe("operators' roles", () => {
  const operatorRoles = [`arn:aws:iam::${HOME}:role/mesh/ops`];

  it("are empty by default", () => {
    expect(parseConfig(valid).operatorRoles).toEqual([]);
    expect(parseConfig({ ...valid, operatorRoles }).operatorRoles).toEqual(operatorRoles);
  });

  it("must be in the home account, because the command accepts only its credentials", () => {
    const far = `arn:aws:iam::${FAR}:role/ops`;
    expect(() => parseConfig({ ...valid, operatorRoles: [far] })).toThrow(
      `operatorRoles names ${far}, which is not a role of the home account`,
    );
  });

  it.each([`arn:aws:iam::${HOME}:role/*`, `arn:aws:iam::${HOME}:root`, `arn:aws:iam::${HOME}:user/ada`, "*", HOME])(
    "must be ARNs of single roles, never %s",
    (one) => {
      expect(() => parseConfig({ ...valid, operatorRoles: [one] })).toThrow(/operatorRoles/);
    },
  );

  it("need a member role's name that leaves room for the read-only role's suffix", () => {
    const named = (length: number) => ({ ...valid, operatorRoles, memberRoleName: `some/path/${"m".repeat(length)}` });
    expect(() => parseConfig(named(59))).not.toThrow();
    expect(() => parseConfig(named(60))).toThrow(/memberRoleName is too long/);
    expect(() => parseConfig({ ...named(60), operatorRoles: [] })).not.toThrow();
  });
});

describe("a lease", () => {
  it("has a default that depends on the deadlines", () => {
    const leaseOf = (policy: object) => parseConfig({ ...valid, policy }).policy.leaseMinutes;
    expect(leaseOf({})).toBe(120);
    expect(leaseOf({ deploymentDeadlineMinutes: 60 })).toBe(160);
  });

  it("must last longer than the longest roll: a deployment, its verification and a revert", () => {
    const policy = { deploymentDeadlineMinutes: 60, verifyDeadlineMinutes: 10 };
    expect(() => parseConfig({ ...valid, policy: { ...policy, leaseMinutes: 130 } })).toThrow(/policy\.leaseMinutes/);
    expect(() => parseConfig({ ...valid, policy: { ...policy, leaseMinutes: 131 } })).not.toThrow();
  });
});

describe("a freeze window is refused, and the error names the field, when", () => {
  const frozen = (...freezeWindows: readonly object[]) => ({ ...valid, policy: { rollout: { freezeWindows } } });
  const nights = { cron: "0 20 * * *", durationMinutes: 60 };

  it.each<[string, object, string]>([
    ["its cron expression is wrong", { ...nights, cron: "0 25 * * *" }, "cron: hour: 25 is not understood"],
    ["its cron expression has croner's own syntax", { ...nights, cron: "0 20 ? * FRI" }, "cron: day of the month: ?"],
    [
      "its time zone is unknown",
      { ...nights, timeZone: "Mars/Olympus" },
      "timeZone: Mars/Olympus is not an IANA time zone",
    ],
  ])("%s", (_, window, problem) => {
    expect(() => parseConfig(frozen(nights, window))).toThrow(
      expect.objectContaining({
        code: "invalid-config",
        detail: expect.stringContaining(`policy.rollout.freezeWindows[1].${problem}`),
      }),
    );
  });

  it("it is written, and is not checked again by deployed functions", () => {
    expect(parseDeployedConfig(frozen(nights), "prod")).toEqual(parseConfig(frozen(nights), "prod"));
    expect(() => parseDeployedConfig(frozen({ ...nights, cron: "0 25 * * *" }), "prod")).not.toThrow();
    expect(() => parseDeployedConfig({ ...valid, homeRegion: "somewhere" }, "prod")).toThrow(/homeRegion/);
  });
});
