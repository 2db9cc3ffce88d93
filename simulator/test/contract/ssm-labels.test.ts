import {
  GetParameterCommand,
  GetParameterHistoryCommand,
  GetParametersCommand,
  LabelParameterVersionCommand,
  PutParameterCommand,
  SSMClient,
  UnlabelParameterVersionCommand,
} from "@aws-sdk/client-ssm";
import { beforeEach, describe, expect, it } from "vitest";
import { Ssm } from "../../aws/ssm/ssm.ts";
import { VirtualClock } from "../../clock/virtual-clock.ts";
import { Simulator } from "../../core/simulator.ts";
import { inProcessRequestHandler } from "../../http/in-process.ts";

const ACCOUNT = "123456789012";
const NAME = "/shop/image";
const ARN = `arn:aws:ssm:us-east-1:${ACCOUNT}:parameter/shop/image`;

/** https://docs.aws.amazon.com/systems-manager/latest/userguide/sysman-paramstore-labels.html */
describe("Labels of the simulated Parameter Store's versions", () => {
  let ssm: SSMClient;
  const put = (Value: string) =>
    ssm.send(new PutParameterCommand({ Name: NAME, Value, Type: "String", Overwrite: true }));
  const label = (Labels: string[], ParameterVersion?: number, Name = NAME) =>
    ssm.send(new LabelParameterVersionCommand({ Name, Labels, ParameterVersion }));
  const get = async (Name: string) => (await ssm.send(new GetParameterCommand({ Name }))).Parameter;
  const labelsOf = async () => {
    const { Parameters = [] } = await ssm.send(new GetParameterHistoryCommand({ Name: NAME }));
    return Parameters.map(({ Version, Labels }) => [Version, Labels]);
  };

  beforeEach(async () => {
    const simulator = new Simulator({ clock: new VirtualClock(Date.UTC(2026, 10, 21)), throttling: false });
    simulator.add((context) => new Ssm(context));
    ssm = new SSMClient({
      region: "us-east-1",
      endpoint: "http://simulator",
      credentials: { accessKeyId: ACCOUNT, secretAccessKey: "secret" },
      requestHandler: inProcessRequestHandler(simulator.handle),
      maxAttempts: 1,
    });
    for (const value of ["a:1", "a:2", "a:3"]) await put(value);
  });

  it("select a version, by the parameter's name and by its ARN", async () => {
    expect(await label(["stable"], 1)).toMatchObject({ InvalidLabels: [], ParameterVersion: 1 });
    expect(await label(["next"])).toMatchObject({ ParameterVersion: 3 });
    expect(await get(`${NAME}:stable`)).toMatchObject({ Value: "a:1", Version: 1, Selector: ":stable", ARN });
    expect(await get(`${ARN}:next`)).toMatchObject({ Value: "a:3", Version: 3, Selector: ":next" });
    expect(await get(`${NAME}:2`)).toMatchObject({ Value: "a:2", Selector: ":2" });
    const Names = [`${NAME}:stable`, `${ARN}:next`, `${NAME}:gone`];
    expect(await ssm.send(new GetParametersCommand({ Names }))).toMatchObject({
      Parameters: [{ Value: "a:1" }, { Value: "a:3" }],
      InvalidParameters: [`${NAME}:gone`],
    });
    await expect(get(`${NAME}:gone`)).rejects.toMatchObject({ name: "ParameterVersionNotFound" });
  });

  it("move to another version, and stay where they are when the parameter is overwritten", async () => {
    await label(["stable", "old"], 1);
    await label(["stable"], 2);
    await put("a:4");
    expect(await get(`${NAME}:stable`)).toMatchObject({ Value: "a:2" });
    expect(await labelsOf()).toEqual([
      [1, ["old"]],
      [2, ["stable"]],
      [3, []],
      [4, []],
    ]);
  });

  it("are taken away, and a label that the version does not have is invalid", async () => {
    await label(["stable", "old"], 1);
    const unlabel = new UnlabelParameterVersionCommand({ Name: NAME, ParameterVersion: 1, Labels: ["old", "gone"] });
    expect(await ssm.send(unlabel)).toMatchObject({ RemovedLabels: ["old"], InvalidLabels: ["gone"] });
    await expect(get(`${NAME}:old`)).rejects.toMatchObject({ name: "ParameterVersionNotFound" });
  });

  it("that are not as AWS takes them are answered as invalid, and the others are set", async () => {
    const invalid = ["1st", "aws-label", "SSM", "a b"];
    expect(await label([...invalid, "Good_one.1"], 1)).toMatchObject({ InvalidLabels: invalid });
    expect(await labelsOf()).toMatchObject([
      [1, ["Good_one.1"]],
      [2, []],
      [3, []],
    ]);
  });

  it("are ten at most", async () => {
    await label(
      Array.from({ length: 10 }, (_, index) => `l${index}`),
      1,
    );
    await expect(label(["more"], 1)).rejects.toMatchObject({ name: "ParameterVersionLabelLimitExceeded" });
    expect(await label(["l1"], 1)).toMatchObject({ InvalidLabels: [] });
  });

  it("need a version that there is", async () => {
    await expect(label(["a"], 9)).rejects.toMatchObject({ name: "ParameterVersionNotFound" });
    await expect(label(["a"], 1, "/shop/gone")).rejects.toMatchObject({ name: "ParameterNotFound" });
    const Name = "/shop/gone";
    // The SDK's types of the two commands have nothing in common.
    for (const command of [
      new UnlabelParameterVersionCommand({ Name, ParameterVersion: 1, Labels: ["a"] }),
      new GetParameterHistoryCommand({ Name }),
    ])
      await expect(ssm.send(command as GetParameterHistoryCommand)).rejects.toMatchObject({
        name: "ParameterNotFound",
      });
  });

  it("keep the oldest version from being dropped for the 101st", async () => {
    await label(["stable"], 1);
    for (let version = 4; version <= 100; version++) await put(`a:${version}`);
    await expect(put("a:101")).rejects.toMatchObject({ name: "ParameterMaxVersionLimitExceeded" });
    expect(await get(NAME)).toMatchObject({ Value: "a:100" });
    await label(["stable"], 100);
    expect(await put("a:101")).toMatchObject({ Version: 101 });
    await expect(get(`${NAME}:1`)).rejects.toMatchObject({ name: "ParameterVersionNotFound" });
  });
});
