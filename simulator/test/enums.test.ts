import { globSync, readFileSync } from "node:fs";
import * as cloudwatch from "@aws-sdk/client-cloudwatch";
import * as ecs from "@aws-sdk/client-ecs";
import * as secretsmanager from "@aws-sdk/client-secrets-manager";
import * as states from "@aws-sdk/client-sfn";
import * as ssm from "@aws-sdk/client-ssm";
import { describe, expect, it } from "vitest";
import * as z from "zod";
import { enums } from "../aws/enums.ts";

/** The SDK's clients are made of AWS's models: each exports the enums of its service. */
const clients: Readonly<Record<keyof typeof enums, Readonly<Record<string, unknown>>>> = {
  cloudwatch,
  ecs,
  secretsmanager,
  ssm,
  states,
};
const exportedEnum = z.record(z.string(), z.string()).transform((one) => Object.values(one));

/** Values of AWS's that requests here can't have, with the reason. */
const leftOut: Readonly<Record<string, string>> = {
  "cloudwatch AlarmType LogAlarm": "alarms on logs are not simulated",
};

/** Enums that are in no client: languages of their own. Each with the file that has it. */
const languages = [
  { file: "iam/policy.ts", enums: 2, why: "IAM's policies" },
  { file: "secrets-manager/resource-policy.ts", enums: 2, why: "IAM's policies" },
  { file: "step-functions/schema.ts", enums: 2, why: "the Amazon States Language" },
];

const pairs = z
  .record(z.string(), z.record(z.string(), z.array(z.string())))
  .transform((all) =>
    Object.entries(all).flatMap(([service, lists]) =>
      Object.entries(lists).map(([name, values]) => ({ service, name, values })),
    ),
  )
  .parse(structuredClone(enums));

describe("enums of requests", () => {
  it.each(pairs)("$service $name has the values of AWS's model", ({ service, name, values }) => {
    const client = Object.entries(clients).find(([key]) => key === service)?.[1] ?? {};
    const known = exportedEnum.parse(client[name]);
    const expected = known.filter((value) => !(`${service} ${name} ${value}` in leftOut));
    expect(values.toSorted()).toEqual(expected.toSorted());
  });

  it("leave out only what AWS has", () => {
    for (const key of Object.keys(leftOut)) {
      const [service = "", name = "", value = ""] = key.split(" ");
      const client = Object.entries(clients).find(([one]) => one === service)?.[1] ?? {};
      expect(exportedEnum.parse(client[name]), key).toContain(value);
    }
  });

  it("are all in one list", () => {
    const root = new URL("../aws/", import.meta.url);
    const elsewhere = globSync("**/*.ts", { cwd: root }).flatMap((file) => {
      const text = readFileSync(new URL(file, root), "utf8");
      const own = [...text.matchAll(/\bz\.enum\(\s*(?!enums\.)/g)].length;
      return own === 0 ? [] : [{ file, enums: own }];
    });
    expect(elsewhere.toSorted((a, b) => a.file.localeCompare(b.file))).toEqual(
      languages.map(({ file, enums: count }) => ({ file, enums: count })),
    );
  });
});
