import { describe, expect, it } from "vitest";
import * as z from "zod";
import { type Config, parseConfig } from "../../shared/config/config.ts";
import { resourceNames } from "../../shared/config/names.ts";
import { resourceName, targetRegions } from "../../stacks/definitions/deployment.ts";
import { eventPatterns, schedules } from "../../stacks/definitions/event-patterns.ts";
import { functions } from "../../stacks/definitions/functions.ts";
import { heartbeatsOf } from "../../stacks/definitions/heartbeat.ts";
import { ownershipRecord } from "../../stacks/definitions/ownership.ts";
import { rollFleetMachine, rollServiceMachine } from "../../stacks/definitions/state-machines.ts";
import { substitute } from "../../stacks/definitions/substitute.ts";
import { deploymentOf } from "../../stacks/deployment.ts";
import { deployments, renderedDeployments } from "./support/deployments.ts";
import { type Resource, roleOf, statementsOf } from "./support/rendered.ts";

const types = {
  alias: "aws:lambda/alias:Alias",
  alarm: "aws:cloudwatch/metricAlarm:MetricAlarm",
  bus: "aws:cloudwatch/eventBus:EventBus",
  busPolicy: "aws:cloudwatch/eventBusPolicy:EventBusPolicy",
  function: "aws:lambda/function:Function",
  key: "aws:kms/key:Key",
  invokeConfig: "aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig",
  logGroup: "aws:cloudwatch/logGroup:LogGroup",
  machine: "aws:sfn/stateMachine:StateMachine",
  parameter: "aws:ssm/parameter:Parameter",
  permission: "aws:lambda/permission:Permission",
  queue: "aws:sqs/queue:Queue",
  queuePolicy: "aws:sqs/queuePolicy:QueuePolicy",
  role: "aws:iam/role:Role",
  rule: "aws:cloudwatch/eventRule:EventRule",
  schedule: "aws:scheduler/schedule:Schedule",
  scheduleGroup: "aws:scheduler/scheduleGroup:ScheduleGroup",
  table: "aws:dynamodb/table:Table",
  target: "aws:cloudwatch/eventTarget:EventTarget",
  topic: "aws:sns/topic:Topic",
} as const;

const graphs = renderedDeployments();

function text(value: unknown): string {
  return z.string().parse(value);
}

describe.each(deployments)("$title", ({ title, stage, input }) => {
  const config: Config = parseConfig(input, stage);
  const { homeAccount, homeRegion } = config;
  const names = { name: config.name, stage };
  const rules = eventPatterns({
    homeAccount,
    enrollTagKey: config.enrollTagKey,
    tagPrefix: config.keys.prefix,
    alarmNamePrefix: `${config.name}-${stage}-`,
    ...(config.ztunnel.imageParameter && { imageParameterName: config.ztunnel.imageParameter }),
    heartbeats: heartbeatsOf(deploymentOf(config, stage)),
  });
  const graph = () => graphs.get(title) ?? { app: { name: "", stage, removal: "", protect: false }, resources: [] };
  const all = (type: string): readonly Resource[] => graph().resources.filter((one) => one.type === type);
  const inRegion = (type: string, region: string) => all(type).filter((one) => one.region === region);
  const homeArn = (service: string, resource: string) => `arn:aws:${service}:${homeRegion}:${homeAccount}:${resource}`;
  const busName = `${config.name}-${stage}`;
  const functionArn = (name: string) => homeArn("lambda", `function:${resourceName(names, name)}`);

  it("names the bus and the ledger as the operator's command expects them", () => {
    const expected = resourceNames(config, stage);
    expect(all(types.bus).map(({ inputs }) => inputs.name)).toEqual([expected.busName]);
    expect(all(types.table).map(({ inputs }) => inputs.name)).toEqual([expected.tableName]);
  });

  describe("events", () => {
    const homeRules = () => all(types.rule).filter(({ inputs }) => inputs.eventBusName === busName);
    const targetsOf = (rule: Resource) =>
      all(types.target).filter(
        ({ inputs, region }) =>
          region === rule.region &&
          inputs.rule === rule.inputs.name &&
          (inputs.eventBusName ?? "") === (rule.inputs.eventBusName ?? ""),
      );

    it("are matched on the home bus by the lab's patterns", () => {
      const deployed = homeRules().map(({ inputs }) => [inputs.name, JSON.parse(text(inputs.eventPattern))]);
      expect(Object.fromEntries(deployed)).toEqual(
        Object.fromEntries(rules.homeRules.map(({ name, pattern }) => [name, pattern])),
      );
    });

    it("invoke the functions that the rules name, which only that rule may invoke", () => {
      for (const { name, functions: invoked } of rules.homeRules) {
        const rule = homeRules().find(({ inputs }) => inputs.name === name);
        const arns = rule ? targetsOf(rule).map(({ inputs }) => inputs.arn) : [];
        expect(arns.sort()).toEqual(invoked.map(functionArn).sort());
        for (const invokedName of invoked) {
          const permissions = all(types.permission).filter(
            ({ inputs }) =>
              inputs.function === resourceName(names, invokedName) &&
              inputs.sourceArn === homeArn("events", `rule/${busName}/${name}`),
          );
          expect(permissions.map(({ inputs }) => inputs.principal)).toEqual(["events.amazonaws.com"]);
        }
      }
    });

    it("are forwarded from every region of the home account with the lab's patterns, in one hop", () => {
      const targets = config.accounts.filter(({ role }) => role.includes(`:${homeAccount}:`));
      const regions = [...new Set([homeRegion, ...targets.flatMap((one) => one.regions)])].sort();
      const forwarding = all(types.rule).filter(({ inputs }) => inputs.eventBusName === undefined);
      expect([...new Set(forwarding.map(({ region }) => region))].sort()).toEqual(regions);
      for (const region of regions) {
        const patterns = forwarding
          .filter((rule) => rule.region === region)
          .map(({ inputs }) => [inputs.name, JSON.parse(text(inputs.eventPattern))]);
        expect(Object.fromEntries(patterns)).toEqual(
          Object.fromEntries(rules.forwardedRules.map(({ name, pattern }) => [resourceName(names, name), pattern])),
        );
      }
      for (const rule of forwarding) {
        expect(targetsOf(rule).map(({ inputs }) => inputs.arn)).toEqual([homeArn("events", `event-bus/${busName}`)]);
      }
    });

    it("go from the home bus to functions only", () => {
      const arns = homeRules()
        .flatMap(targetsOf)
        .map(({ inputs }) => text(inputs.arn));
      expect(arns.filter((one) => !one.startsWith(homeArn("lambda", "function:")))).toEqual([]);
    });

    it("that can't be delivered are retried, then kept in a queue in the rule's region", () => {
      for (const target of all(types.target)) {
        const { retryPolicy, deadLetterConfig } = z
          .object({
            retryPolicy: z.object({ maximumRetryAttempts: z.int().min(1), maximumEventAgeInSeconds: z.int().min(60) }),
            deadLetterConfig: z.object({ arn: z.string() }),
          })
          .parse(target.inputs);
        expect(retryPolicy.maximumRetryAttempts).toBeLessThanOrEqual(185);
        const queueName = deadLetterConfig.arn.split(":").at(-1);
        expect(deadLetterConfig.arn.split(":")[3]).toBe(target.region);
        const queue = inRegion(types.queue, target.region ?? "").find(({ inputs }) => inputs.name === queueName);
        expect(queue, deadLetterConfig.arn).toBeDefined();
        const policy = inRegion(types.queuePolicy, target.region ?? "").find(({ inputs }) =>
          text(inputs.queueUrl).endsWith(`/${queueName}`),
        );
        const [statement] = statementsOf(policy?.inputs.policy);
        expect(statement).toMatchObject({
          principal: { Service: "events.amazonaws.com" },
          actions: ["sqs:SendMessage"],
          resources: [deadLetterConfig.arn],
        });
        const ruleArns = z
          .union([z.string(), z.array(z.string())])
          .parse(statement?.condition.ArnLike?.["aws:SourceArn"]);
        const bus = target.inputs.eventBusName ? `${text(target.inputs.eventBusName)}/` : "";
        const ruleArn = `arn:aws:events:${target.region}:${homeAccount}:rule/${bus}${text(target.inputs.rule)}`;
        expect([ruleArns].flat().some((pattern) => ruleArn.startsWith(pattern.replace("*", "")))).toBe(true);
      }
    });

    it("of other accounts are accepted where they are AWS's or a heartbeat, and who speaks for us is named", () => {
      const others = new Set([
        ...config.accounts.map(({ role }) => role.split(":")[4]),
        ...config.controlPlanes.map(({ eks }) => eks?.account),
      ]);
      others.delete(homeAccount);
      others.delete(undefined);
      const statements = statementsOf(all(types.busPolicy)[0]?.inputs.policy);
      const allowed = statements.filter(({ effect }) => effect === "Allow");
      const denied = statements.filter(({ effect }) => effect === "Deny");
      expect(allowed.map(({ condition }) => condition)).toEqual(
        others.size === 0
          ? []
          : [
              { "ForAllValues:StringLike": { "events:source": "aws.*" }, Null: { "events:source": "false" } },
              {
                "ForAllValues:StringEquals": {
                  "events:source": "ztunnel-autopilot.heartbeat",
                  "events:detail-type": "Heartbeat",
                },
                Null: { "events:source": "false", "events:detail-type": "false" },
              },
            ],
      );
      for (const { actions, principal } of allowed)
        expect({ actions, principal }).toEqual({
          actions: ["events:PutEvents"],
          principal: { AWS: [...others].sort() },
        });
      const speakers = allSpeakers().map((name) => `arn:aws:iam::${homeAccount}:role/${resourceName(names, name)}`);
      expect(denied).toMatchObject([
        {
          principal: "*",
          condition: {
            "ForAnyValue:StringEquals": { "events:source": "ztunnel-autopilot" },
            ArnNotEquals: { "aws:PrincipalArn": speakers },
          },
        },
        {
          principal: "*",
          condition: {
            "ForAnyValue:StringEquals": { "events:source": "ztunnel-autopilot.operator" },
            StringNotEquals: { "aws:PrincipalAccount": homeAccount },
          },
        },
        ...(config.operatorRoles.length > 0
          ? [
              {
                principal: "*",
                condition: {
                  "ForAnyValue:StringEquals": { "events:source": "ztunnel-autopilot.operator" },
                  ArnNotEquals: { "aws:PrincipalArn": [...config.operatorRoles].sort() },
                },
              },
            ]
          : []),
      ]);
    });
  });

  const isHeartbeat = ({ name }: Resource) => name.startsWith("Heartbeat");
  const functionSchedules = () => all(types.schedule).filter((one) => !isHeartbeat(one));

  it("sends a heartbeat from every region of the home account to its own default bus", () => {
    const forwarding = all(types.rule).filter(({ inputs }) => inputs.eventBusName === undefined);
    const regions = [...new Set(forwarding.map(({ region }) => region))].sort();
    const sent = all(types.schedule).filter(isHeartbeat);
    expect(sent.map(({ region }) => region).sort()).toEqual(regions);
    for (const { region, inputs } of sent) {
      expect(inputs.target).toMatchObject({
        arn: `arn:aws:events:${region}:${homeAccount}:event-bus/default`,
        eventbridgeParameters: { source: "ztunnel-autopilot.heartbeat", detailType: "Heartbeat" },
      });
    }
  });

  describe("schedules", () => {
    it("have the lab's functions and intervals", () => {
      const deployed = functionSchedules().map(({ inputs }) => {
        const { target } = z.object({ target: z.object({ arn: z.string(), input: z.string() }) }).parse(inputs);
        return { name: inputs.name, expression: inputs.scheduleExpression, ...target };
      });
      const expected = schedules.map(({ name, functionName, everyMinutes }) => ({
        name: resourceName(names, name),
        expression: everyMinutes === 1 ? "rate(1 minute)" : `rate(${everyMinutes} minutes)`,
        arn: functionArn(functionName),
        input: "{}",
      }));
      const byName = (a: { name: unknown }, b: { name: unknown }) => text(a.name).localeCompare(text(b.name));
      expect(deployed.sort(byName)).toEqual(expected.sort(byName));
    });

    it("have retries, a dead-letter queue, and a role for only their function and that queue", () => {
      for (const { name, inputs } of functionSchedules()) {
        const { target } = z
          .object({
            target: z.object({
              arn: z.string(),
              retryPolicy: z.object({ maximumRetryAttempts: z.int().min(1) }),
              deadLetterConfig: z.object({ arn: z.string() }),
            }),
          })
          .parse(inputs);
        const role = all(types.role).find((one) => one.name === `${name}Role`);
        const statements = role ? roleOf(role).statements : [];
        expect(statements.map(({ actions, resources }) => [actions, resources])).toEqual([
          [["lambda:InvokeFunction"], [target.arn]],
          [["sqs:SendMessage"], [target.deadLetterConfig.arn]],
        ]);
      }
    });
  });

  it("has schedules in a group of their own, for which alone Scheduler takes on their roles", () => {
    const [group, ...more] = all(types.scheduleGroup).filter((one) => !isHeartbeat(one));
    expect(more).toEqual([]);
    for (const { name, inputs } of functionSchedules()) {
      expect(inputs.groupName, name).toBe(group?.inputs.name);
      const role = all(types.role).find((one) => one.name === `${name}Role`);
      expect(role && roleOf(role).trust[0]?.condition.ArnLike, name).toEqual({
        "aws:SourceArn": homeArn("scheduler", `schedule-group/${String(group?.inputs.name)}`),
      });
    }
  });

  describe("state machines", () => {
    const tokens = (named: Readonly<Record<string, string>>) =>
      Object.fromEntries(Object.entries(named).map(([token, name]) => [token, `${functionArn(name)}:live`]));
    const machine = (name: string) => homeArn("states", `stateMachine:${resourceName(names, name)}`);
    const expected = () => ({
      [resourceName(names, "roll-service")]: substitute(
        rollServiceMachine.definition,
        tokens(rollServiceMachine.functions),
      ),
      [resourceName(names, "roll-fleet")]: substitute(rollFleetMachine.definition, {
        ...tokens(rollFleetMachine.functions),
        RollService: machine("roll-service"),
      }),
    });

    it("are the definitions that the lab runs", () => {
      const deployed = all(types.machine).map(({ inputs }) => [inputs.name, JSON.parse(text(inputs.definition))]);
      expect(Object.fromEntries(deployed)).toEqual(expected());
    });

    it("invoke functions whose timeout is shorter than the state's", () => {
      const invocations = all(types.machine).flatMap(({ inputs }) =>
        invocationsIn(JSON.parse(text(inputs.definition))),
      );
      expect(invocations.length).toBeGreaterThan(10);
      for (const { functionArn: invoked, timeoutSeconds } of invocations) {
        const deployed = all(types.function).find(({ inputs }) => invoked.endsWith(`:${text(inputs.name)}:live`));
        expect(deployed, invoked).toBeDefined();
        if (timeoutSeconds !== undefined) expect(deployed?.inputs.timeout, invoked).toBeLessThan(timeoutSeconds);
      }
    });

    it("log failures without execution data, which contains task tokens", () => {
      for (const { inputs } of all(types.machine)) {
        expect(inputs.loggingConfiguration).toMatchObject({ level: "ERROR", includeExecutionData: false });
      }
    });
  });

  describe("functions", () => {
    it("are those of the definitions, on Node.js 24 on arm64, each with its own role", () => {
      const deployed = all(types.function);
      expect(deployed.map(({ inputs }) => inputs.name).sort()).toEqual(
        functions.map(({ name }) => resourceName(names, name)).sort(),
      );
      for (const { inputs } of deployed) {
        expect(inputs).toMatchObject({ runtime: "nodejs24.x", architectures: ["arm64"], handler: "bundle.handler" });
      }
      const roles = deployed.map(({ inputs }) => inputs.role);
      expect(new Set(roles).size).toBe(deployed.length);
    });

    it("have versions, and an alias for the version of the last deployment", () => {
      for (const { inputs } of all(types.function)) expect(inputs.publish).toBe(true);
      const aliases = all(types.alias).map(({ inputs }) => ({ ...inputs, functionVersion: "any" }));
      expect(aliases).toHaveLength(functions.length);
      for (const { name } of functions) {
        const functionName = resourceName(names, name);
        expect(aliases).toContainEqual({ name: "live", functionName, functionVersion: "any" });
      }
    });

    it("that are invoked asynchronously send failed events to a queue", () => {
      const invoked = new Set([
        ...rules.homeRules.flatMap((rule) => rule.functions),
        ...schedules.map(({ functionName }) => functionName),
      ]);
      const asynchronous = functions.filter(({ invocation }) => invocation === "asynchronous");
      expect(asynchronous.map(({ name }) => name).sort()).toEqual([...invoked].sort());
      const destination = z.object({ onFailure: z.object({ destination: z.string() }) });
      const configured = all(types.invokeConfig).map(({ inputs }) => [
        inputs.functionName,
        destination.optional().parse(inputs.destinationConfig)?.onFailure.destination,
      ]);
      const queue = homeArn("sqs", resourceName(names, "failed-invocations"));
      // The next run of the others does all that one that failed would have done.
      const kept = (name: string) => !["sweep-services", "watch-root-ca", "rollout/guard"].includes(name);
      expect(Object.fromEntries(configured)).toEqual(
        Object.fromEntries([...invoked].map((name) => [resourceName(names, name), kept(name) ? queue : undefined])),
      );
    });

    it("have only names and ARNs in their environment", () => {
      for (const { inputs } of all(types.function)) {
        expect(inputs.environment).toEqual({
          variables: {
            AUTOPILOT_STAGE: stage,
            AUTOPILOT_TABLE: resourceName(names, "ledger"),
            AUTOPILOT_BUS: busName,
            ROLL_SERVICE_ARN: homeArn("states", `stateMachine:${resourceName(names, "roll-service")}`),
            ROLL_FLEET_ARN: homeArn("states", `stateMachine:${resourceName(names, "roll-fleet")}`),
          },
        });
      }
    });

    it("that use Kubernetes are in the configured VPC", () => {
      const inside = all(types.function).filter(({ inputs }) => inputs.vpcConfig !== undefined);
      const expected = functions.filter(({ kubernetes }) => kubernetes && config.vpc);
      expect(inside.map(({ inputs }) => inputs.name).sort()).toEqual(
        expected.map(({ name }) => resourceName(names, name)).sort(),
      );
      for (const { inputs } of inside) {
        expect(inputs.vpcConfig).toEqual({
          subnetIds: config.vpc?.subnetIds,
          securityGroupIds: config.vpc?.securityGroupIds,
        });
      }
    });

    it("reserve only a small part of an account's concurrency", () => {
      const reserved = functions.reduce((sum, { reservedConcurrency = 0 }) => sum + reservedConcurrency, 0);
      expect(reserved).toBeLessThanOrEqual(100);
    });
  });

  describe("roles", () => {
    const roles = () => all(types.role).map(roleOf);

    it("are assumed by one AWS service each, never by the account", () => {
      for (const { name, trust } of roles()) {
        expect(trust, name).toHaveLength(1);
        expect(trust[0]?.principal, name).toEqual({ Service: expect.stringMatching(/^[a-z]+\.amazonaws\.com$/) });
      }
      expect(JSON.stringify(all(types.role))).not.toMatch(/:root"/);
    });

    it("name the account on whose behalf a service assumes them", () => {
      for (const { name, trust } of roles()) {
        const [statement] = trust;
        expect(statement?.condition, name).toMatchObject({ StringEquals: { "aws:SourceAccount": homeAccount } });
      }
    });

    it("have no AWS managed policies, and fit into IAM's limit", () => {
      for (const { name, managedPolicyArns, characters } of roles()) {
        expect(managedPolicyArns, name).toEqual([]);
        expect(characters, name).toBeLessThanOrEqual(10_240);
      }
    });

    it("allow no action by a wildcard, and all resources only for actions without resource types", () => {
      const withoutResource = new Set([
        "cloudwatch:DescribeAlarms",
        "ec2:AssignPrivateIpAddresses",
        "ec2:CreateNetworkInterface",
        "ec2:DeleteNetworkInterface",
        "ec2:DescribeNetworkInterfaces",
        "ec2:DescribeSubnets",
        "ec2:UnassignPrivateIpAddresses",
        "ecs:DescribeTaskDefinition",
        "ecs:ListClusters",
        "ecs:ListServices",
        "ecs:ListTasks",
        "logs:CreateLogDelivery",
        "logs:DeleteLogDelivery",
        "logs:DescribeLogGroups",
        "logs:DescribeResourcePolicies",
        "logs:GetLogDelivery",
        "logs:ListLogDeliveries",
        "logs:PutResourcePolicy",
        "logs:UpdateLogDelivery",
        "secretsmanager:ListSecrets",
        "states:SendTaskSuccess",
      ]);
      for (const { name, statements } of roles()) {
        for (const { actions, resources } of statements) {
          expect(
            actions.filter((action) => action.includes("*")),
            name,
          ).toEqual([]);
          if (resources.includes("*")) expect(withoutResource, name).toEqual(new Set([...withoutResource, ...actions]));
        }
      }
    });

    it("pass roles only to ECS tasks, and only the configured ones", () => {
      const passing = roles().flatMap(({ statements }) =>
        statements.filter(({ actions }) => actions.includes("iam:PassRole")),
      );
      // Of the step that registers revisions, and of the one that registers a deregistered one again.
      expect(passing).toHaveLength(2);
      for (const { resources, condition } of passing) {
        expect(resources).toEqual(config.passRoles.map((role) => `arn:aws:iam::${homeAccount}:role/${role}`));
        expect(condition).toEqual({ StringEquals: { "iam:PassedToService": "ecs-tasks.amazonaws.com" } });
      }
    });

    it("assume member roles only by exact name and with the external id", () => {
      const assuming = roles().flatMap(({ statements }) =>
        statements.filter(({ actions }) => actions.includes("sts:AssumeRole")),
      );
      expect(assuming.length).toBeGreaterThan(0);
      for (const { resources, condition } of assuming) {
        expect(resources.join()).not.toContain("*");
        expect(condition).toEqual({ StringEquals: { "sts:ExternalId": config.name } });
      }
    });

    it("use only secrets with the autopilot's prefix, and those that the configuration names", () => {
      const named = [config.slack.secretName, ...config.controlPlanes.flatMap((plane) => plane.kubeconfigSecret ?? [])];
      const tokens = stage === "dev" ? "ztunnel-autopilot-dev/*" : "ztunnel-autopilot/*";
      const allowed = [tokens, ...named.map((one) => `${one}-??????`)];
      for (const { name, statements } of roles()) {
        const secrets = statements.filter(
          ({ actions, resources }) =>
            actions.some((action) => action.startsWith("secretsmanager:")) && !resources.includes("*"),
        );
        for (const { actions, resources } of secrets) {
          const names = resources.map((one) => one.split(":secret:")[1]);
          expect(allowed, name).toEqual(expect.arrayContaining(names));
          // Only tasks read the tokens. The autopilot only writes them.
          if (actions.includes("secretsmanager:GetSecretValue")) expect(names).not.toContain(tokens);
        }
      }
    });

    it("set only the tags that istiod reads, never the enroll tag", () => {
      for (const { statements } of roles()) {
        for (const { actions, condition } of statements) {
          if (!actions.some((action) => action === "ecs:TagResource" || action === "ecs:UntagResource")) continue;
          if (condition.StringEquals) {
            expect(condition).toEqual({ StringEquals: { "ecs:CreateAction": "RegisterTaskDefinition" } });
            continue;
          }
          const keys = z.array(z.string()).parse(condition["ForAllValues:StringEquals"]?.["aws:TagKeys"]);
          expect(keys.filter((key) => !key.startsWith("ecs.solo.io/"))).toEqual([]);
          expect(condition.Null).toEqual({ "aws:TagKeys": "false" });
        }
      }
    });
  });

  describe("dead letters and logs", () => {
    it("have an alarm for every queue, which notifies a topic in the queue's region", () => {
      for (const queue of all(types.queue)) {
        const [alarm, ...more] = inRegion(types.alarm, queue.region ?? "").filter(
          ({ inputs }) => JSON.stringify(inputs.dimensions) === JSON.stringify({ QueueName: queue.inputs.name }),
        );
        expect(more).toEqual([]);
        expect(alarm?.inputs).toMatchObject({
          metricName: "ApproximateNumberOfMessagesVisible",
          comparisonOperator: "GreaterThanThreshold",
          threshold: 0,
          alarmActions: [`arn:aws:sns:${queue.region}:${homeAccount}:${resourceName(names, "alarms")}`],
        });
        expect(inRegion(types.topic, queue.region ?? "")).toHaveLength(1);
      }
    });

    it("are encrypted and kept for SQS's maximum retention time", () => {
      for (const { inputs } of all(types.queue)) {
        expect(inputs).toMatchObject({ sqsManagedSseEnabled: true, messageRetentionSeconds: 14 * 24 * 3600 });
      }
    });

    it("have alarms whose topics are encrypted, by a key that CloudWatch may use for this account", () => {
      expect(all(types.topic).length).toBeGreaterThan(0);
      for (const { region, inputs } of all(types.topic)) {
        const [key, ...more] = inRegion(types.key, region ?? "");
        expect(more).toEqual([]);
        expect(inputs.kmsMasterKeyId).toBe(`arn:aws:kms:${region}:${homeAccount}:key/${key?.name}-0000000`);
        expect(key?.inputs).toMatchObject({ enableKeyRotation: true });
        expect(statementsOf(key?.inputs.policy)).toEqual([
          {
            effect: "Allow",
            actions: ["kms:*"],
            resources: ["*"],
            principal: { AWS: `arn:aws:iam::${homeAccount}:root` },
            condition: {},
          },
          {
            effect: "Allow",
            actions: ["kms:Decrypt", "kms:GenerateDataKey*"],
            resources: ["*"],
            principal: { Service: "cloudwatch.amazonaws.com" },
            condition: { StringEquals: { "aws:SourceAccount": homeAccount } },
          },
        ]);
      }
    });

    it("of every function and state machine have a retention time", () => {
      expect(all(types.logGroup)).toHaveLength(functions.length + all(types.machine).length);
      for (const { inputs } of all(types.logGroup)) expect(inputs.retentionInDays).toBe(stage === "dev" ? 30 : 365);
    });
  });

  describe("names", () => {
    const limits: Readonly<Record<string, number>> = {
      [types.alarm]: 255,
      [types.bus]: 256,
      [types.function]: 64,
      [types.machine]: 80,
      [types.queue]: 80,
      [types.role]: 64,
      [types.rule]: 64,
      [types.schedule]: 64,
      [types.table]: 255,
      [types.topic]: 256,
    };

    it.each(Object.entries(limits))(
      "of %s have at most %i characters, and only those that AWS allows",
      (type, limit) => {
        const given = all(type).map(({ inputs }) => text(inputs.name));
        expect(given.length).toBeGreaterThan(0);
        expect(given.filter((name) => name.length > limit || !/^[\w.-]+$/.test(name))).toEqual([]);
      },
    );

    it("are unique within a type and region", () => {
      const keys = graph()
        .resources.filter(({ inputs, type }) => inputs.name !== undefined && type.startsWith("aws:"))
        .map(({ type, region, inputs: { eventBusName, functionName, name } }) =>
          [type, region, String(eventBusName), String(functionName), String(name)].join(" "),
        );
      expect(keys.filter((key, index) => keys.indexOf(key) !== index)).toEqual([]);
    });

    it("have patterns that are short enough for EventBridge", () => {
      for (const { inputs } of all(types.rule)) expect(text(inputs.eventPattern).length).toBeLessThanOrEqual(2048);
    });
  });

  it("protects the ledger with point-in-time recovery, and against deletion in production", () => {
    const [table] = all(types.table);
    expect(table?.inputs).toMatchObject({
      hashKey: "pk",
      rangeKey: "sk",
      billingMode: "PAY_PER_REQUEST",
      pointInTimeRecovery: { enabled: true },
      ttl: { attributeName: "expiresAt", enabled: true },
      deletionProtectionEnabled: stage !== "dev",
    });
    expect(table?.inputs.attributes).toEqual([
      { name: "pk", type: "S" },
      { name: "sk", type: "S" },
    ]);
    expect(table?.retainOnDelete).toBe(stage !== "dev");
  });

  it("is protected only in production", () => {
    expect(graph().app).toMatchObject(
      stage === "dev" ? { protect: false, removal: "remove" } : { protect: true, removal: "retain" },
    );
  });

  it("traces nothing", () => {
    for (const { inputs } of all(types.function)) expect(inputs.tracingConfig).toEqual({ mode: "PassThrough" });
    for (const { inputs } of all(types.machine)) expect(inputs.tracingConfiguration).toEqual({ enabled: false });
  });

  it("has the configured image parameter, whose value operators may change", () => {
    const { imageParameter, image } = config.ztunnel;
    const named = all(types.parameter).filter(({ name }) => name === "ZtunnelImage");
    const parameters = named.map(({ inputs, ignoreChanges }) => [inputs.name, inputs.value, ignoreChanges]);
    expect(parameters).toEqual(imageParameter ? [[imageParameter, image, ["value"]]] : []);
  });

  it("records in every region of the home account with services that it owns the enroll key there", () => {
    const deployment = deploymentOf(config, stage);
    const records = all(types.parameter).filter(({ name }) => name.startsWith("Ownership"));
    expect(records.map(({ region }) => region).sort()).toEqual(targetRegions(deployment, homeAccount));
    for (const { inputs, retainOnDelete } of records) {
      expect(inputs).toMatchObject({ ...ownershipRecord(deployment), type: "String" });
      // A stage that is removed owns nothing. With `overwrite`, a second stage would take the record.
      expect([retainOnDelete, inputs.overwrite]).toEqual([false, undefined]);
    }
  });

  it("has no unresolved outputs", () => {
    expect(JSON.stringify(graph().resources)).not.toMatch(
      /\[object Object\]|"undefined"|Calling \[toString\]|Output<T>/,
    );
  });
});

interface Invocation {
  readonly functionArn: string;
  readonly timeoutSeconds: number | undefined;
}

const invocationSchema = z.object({
  Type: z.literal("Task"),
  Resource: z.literal("arn:aws:states:::lambda:invoke"),
  TimeoutSeconds: z.number().optional(),
  Arguments: z.object({ FunctionName: z.string() }),
});

/** The states that wait for a function's answer, at any depth of a definition. */
function invocationsIn(node: unknown): readonly Invocation[] {
  if (typeof node !== "object" || node === null) return [];
  const own = invocationSchema.safeParse(node);
  if (own.success) {
    return [{ functionArn: own.data.Arguments.FunctionName, timeoutSeconds: own.data.TimeoutSeconds }];
  }
  return Object.values(node).flatMap(invocationsIn);
}

/** The functions that emit events, by what they may call. */
function allSpeakers(): readonly string[] {
  return functions
    .filter(({ calls }) => calls.some(({ actions }) => actions.includes("events:PutEvents")))
    .map(({ name }) => name);
}
