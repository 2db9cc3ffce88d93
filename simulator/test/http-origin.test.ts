import { request } from "node:http";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { jsonResponse } from "../http/message.ts";
import { type RunningServer, startServer } from "../http/server.ts";

let server: RunningServer;
let handled = 0;
let raw = 0;

beforeAll(async () => {
  server = await startServer({
    port: 0,
    handle: async () => {
      handled += 1;
      return jsonResponse(200, {});
    },
    raw: () => {
      raw += 1;
      return false;
    },
  });
});
afterAll(() => server.close());

/** The status of a request; `fetch` would write these headers itself. */
function statusWith(headers: Readonly<Record<string, string>>): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    request({ host: "127.0.0.1", port: server.port, method: "POST", path: "/_lab/faults", headers }, (response) => {
      response.resume();
      resolve(response.statusCode);
    })
      .on("error", reject)
      .end("[]");
  });
}

describe("a server of 127.0.0.1", () => {
  it.each<[string, Readonly<Record<string, string>>]>([
    ["its address", {}],
    ["its name", { host: "localhost:4566" }],
    ["its address of IPv6", { host: "[::1]:4566" }],
    ["a page of its own", { origin: "http://127.0.0.1:4566" }],
  ])("answers %s", async (_what, headers) => {
    const before = handled;
    expect(await statusWith(headers)).toBe(200);
    expect(handled).toBe(before + 1);
  });

  it.each<[string, Readonly<Record<string, string>>]>([
    ["a page of another site", { origin: "https://evil.example" }],
    ["a page without an origin", { origin: "null" }],
    ["a name that was made to point here", { host: "evil.example:4566" }],
    ["a name that begins like its own", { host: "localhost.evil.example" }],
    ["a name that is not one", { host: "a b" }],
  ])("refuses %s, before anything reads it", async (_what, headers) => {
    const before = [handled, raw];
    expect(await statusWith(headers)).toBe(403);
    expect([handled, raw]).toEqual(before);
  });
});
