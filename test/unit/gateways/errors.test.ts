import { describe, expect, it } from "vitest";
import * as z from "zod";
import { AutopilotError } from "../../../shared/base/errors.ts";
import {
  asFailure,
  call,
  isAccessDenied,
  isNotFound,
  isRetryable,
  isThrottled,
  unreadable,
} from "../../../shared/gateways/aws/errors.ts";

function awsError(name: string, httpStatusCode = 400): Error {
  return Object.assign(new Error(`${name} happened`), { name, $metadata: { httpStatusCode } });
}

function busyError(name: string, message: string): Error {
  return Object.assign(new Error(message), { name, $metadata: { httpStatusCode: 400 } });
}

const CONCURRENT = "Too many concurrent attempts to create a new revision of the specified family.";

function networkError(code: string): Error {
  return Object.assign(new Error(`connect ${code}`), { code });
}

describe("an error of AWS", () => {
  it.each([
    ["a throttled call", awsError("ThrottlingException"), "throttled"],
    ["a throttled call of DynamoDB", awsError("ProvisionedThroughputExceededException"), "throttled"],
    ["HTTP 429", awsError("Anything", 429), "throttled"],
    ["another registration of the family", busyError("ClientException", CONCURRENT), "throttled"],
    ["a refusal that quotes it", busyError("ClientException", `No: ${CONCURRENT}`), "aws-rejected"],
    ["a conflict, which stays one", awsError("ConflictException"), "aws-rejected"],
    ["a concurrent change of a bus", awsError("ConcurrentModificationException"), "throttled"],
    ["a concurrent transaction", awsError("TransactionConflictException"), "throttled"],
    ["a server error", awsError("ServerException", 500), "aws-unavailable"],
    ["a server error that the SDK doesn't list", awsError("Odd", 599), "aws-unavailable"],
    ["a broken connection", networkError("ECONNRESET"), "aws-unavailable"],
    ["a timeout", Object.assign(new Error("slow"), { name: "TimeoutError" }), "aws-unavailable"],
    ["a missing permission", awsError("AccessDeniedException"), "access-denied"],
    ["no credentials", Object.assign(new Error("none"), { name: "CredentialsProviderError" }), "access-denied"],
    ["a missing service", awsError("ServiceNotFoundException"), "service-not-found"],
    ["an exhausted quota", awsError("LimitExceededException"), "aws-rejected"],
    ["a wrong parameter", awsError("InvalidParameterException"), "aws-rejected"],
    ["another error", new Error("odd"), "unexpected-error"],
  ])("has a code: %s", (_what, error, code) => {
    const failure = asFailure(error, "DescribeServices web");
    expect(failure).toMatchObject({
      code,
      cause: error,
      detail: `DescribeServices web: ${error.name}: ${error.message}`,
    });
    expect(isRetryable(error)).toBe(code === "throttled" || code === "aws-unavailable");
  });

  it.each([
    ["no JSON", () => JSON.parse("<html>")],
    ["a body of another kind", () => unreadable("the response had no JSON object as its body")],
    ["members of another type", () => z.object({ clusterArns: z.array(z.string()) }).parse({ clusterArns: 7 })],
  ])("has a code where the answer has %s", async (_what, read) => {
    await expect(call("ListClusters", async () => read())).rejects.toMatchObject({ code: "aws-unavailable" });
  });

  it("has the call's own code only if AWS rejected the call", () => {
    expect(asFailure(awsError("ClientException"), "x", "update-refused").code).toBe("update-refused");
    expect(asFailure(awsError("ThrottlingException"), "x", "update-refused").code).toBe("throttled");
  });

  it("that already has a code keeps it", async () => {
    const failure = new AutopilotError("superseded", "web");
    expect(asFailure(failure, "x")).toBe(failure);
    await expect(call("x", () => Promise.reject(failure))).rejects.toBe(failure);
    expect(isRetryable(failure)).toBe(false);
  });

  it("that is not an Error object is an unexpected error", () => {
    expect(asFailure("odd", "x")).toMatchObject({ code: "unexpected-error" });
    expect(isThrottled("odd") || isNotFound(undefined) || isAccessDenied({})).toBe(false);
  });
});
