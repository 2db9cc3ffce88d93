import { Readable } from "node:stream";
import { DescribeTaskDefinitionCommand, ECSClient, RegisterTaskDefinitionCommand } from "@aws-sdk/client-ecs";
import { HttpRequest, HttpResponse } from "@smithy/core/protocols";
import { expect, it } from "vitest";
import { isJsonObject } from "../../shared/base/json.ts";
import { keepRawResponse, sendRawRequest } from "../../shared/gateways/aws/raw-json.ts";

/** A client whose server answers every request with this body, and what it was sent. */
function clientOf(body: string) {
  const sent: unknown[] = [];
  const client = new ECSClient({
    region: "us-east-1",
    credentials: { accessKeyId: "123456789012", secretAccessKey: "x" },
    requestHandler: {
      handle: async (request: unknown) => {
        if (HttpRequest.isInstance(request)) sent.push(request.body);
        return { response: new HttpResponse({ statusCode: 200, headers: {}, body: Readable.from([body]) }) };
      },
    },
  });
  return { client, sent };
}

it("passes a task definition on with members and numbers that JavaScript would change", async () => {
  const container = '{"name":"app","futureCount":9007199254740993,"dockerLabels":{"__proto__":"v1","x":"1"}}';
  const definition = `{"family":"web","containerDefinitions":[${container}],"future":1e400}`;
  const { client, sent } = clientOf(`{"taskDefinition":${definition}}`);
  const describe = new DescribeTaskDefinitionCommand({ taskDefinition: "web" });
  const response = keepRawResponse(describe, client.config);
  await client.send(describe);
  const { taskDefinition } = response.raw();
  if (!isJsonObject(taskDefinition)) throw new Error("no task definition");
  const register = new RegisterTaskDefinitionCommand({ family: "web", containerDefinitions: [] });
  sendRawRequest(register, taskDefinition);
  await client.send(register);
  expect(sent.at(-1)).toBe(definition);
});
