import { describe, expect, it } from "vitest";
import type { Candidate } from "../../../shared/rollout/canaries.ts";
import { canariesOf } from "../../../shared/rollout/canaries.ts";

function candidate(name: string, given: Partial<Candidate> & { readonly cluster?: string } = {}): Candidate {
  const { cluster = "web", ...members } = given;
  const { region = "eu-west-1", account = "111111111111" } = members;
  const serviceArn = `arn:aws:ecs:${region}:${account}:service/${cluster}/${name}`;
  return { serviceArn, account, region, canary: false, controlPlane: "main", launchType: "FARGATE", ...members };
}
const namesOf = (all: readonly Candidate[]) => all.map(({ serviceArn }) => serviceArn.split("/").at(-1));
const chosen = (all: readonly Candidate[], count: number, regions: readonly string[] = ["eu-west-1", "us-east-1"]) =>
  namesOf(canariesOf(all, count, regions).chosen);

describe("the canaries of a rollout's own choice", () => {
  it("are of different clusters", () => {
    const all = [candidate("a"), candidate("b"), candidate("c"), candidate("d", { cluster: "x" })];
    expect(chosen(all, 2)).toEqual(["a", "d"]);
    expect(chosen(all, 3)).toEqual(["a", "d", "b"]);
  });

  it("are of the first region, unless another one has a control plane or a launch type that it lacks", () => {
    const first = [candidate("a"), candidate("b"), candidate("c")];
    expect(chosen([...first, candidate("d", { region: "us-east-1", cluster: "x" })], 2)).toEqual(["a", "b"]);
    const onInstances = candidate("d", { region: "us-east-1", launchType: "EC2" });
    expect(chosen([...first, onInstances], 3)).toEqual(["a", "d", "b"]);
    const elsewhere = candidate("e", { region: "us-east-1", controlPlane: "far" });
    expect(chosen([...first, onInstances, elsewhere], 3)).toEqual(["a", "e", "d"]);
  });

  it("are services that run tasks and ran well before", () => {
    const all = [candidate("a", { idle: true }), candidate("b", { unfit: "0 of 2 tasks run." }), candidate("c")];
    expect(chosen(all, 3)).toEqual(["c"]);
  });

  it("are the same with and without services whose tags ask for it, which come on top", () => {
    const tagged = [candidate("x", { canary: true }), candidate("y", { canary: true, idle: true })];
    const found = canariesOf([candidate("a"), candidate("b"), ...tagged], 2, ["eu-west-1"]);
    expect(namesOf(found.chosen)).toEqual(["a", "b"]);
    expect(namesOf(found.tagged)).toEqual(["x"]);
  });
});
