import { describe, expect, it } from "vitest";
import type { JsonObject } from "../../../../../shared/base/json.ts";
import { listAt } from "../../../../../shared/base/json-fields.ts";
import type { Added } from "../../../../../shared/data-plane/ztunnel/task-definition/added.ts";
import type { Appended } from "../../../../../shared/data-plane/ztunnel/task-definition/no-proxy.ts";
import {
  type ProxyEnvironment,
  withoutProxyEnvironment,
  withProxyEnvironment,
} from "../../../../../shared/data-plane/ztunnel/task-definition/proxy-environment.ts";

/** The proxy environment of a release with two other values. */
const earlier: ProxyEnvironment = { ALL_PROXY: ["socks5h://127.0.0.1:1"], NO_PROXY: ["localhost"] };
const later: ProxyEnvironment = {
  ALL_PROXY: ["socks5h://127.0.0.1:2", "socks5h://127.0.0.1:1"],
  NO_PROXY: ["*", "localhost"],
};

const none: Appended = new Map();
const withProxies = (container: JsonObject, added: Added, values: ProxyEnvironment) =>
  withProxyEnvironment(container, added, none, values);
const withoutProxies = (container: JsonObject, added: Added, values?: ProxyEnvironment) =>
  withoutProxyEnvironment(container, added, none, values).container;

const plain: JsonObject = { name: "web", environment: [{ name: "HOME", value: "/" }] };
const nothing: Added = { container: "web" };

describe("the proxy environment of a release that changes its values", () => {
  const { container: before, added } = withProxies(plain, nothing, earlier);

  it("replaces the earlier one, with the result that it alone would have had", () => {
    const now = withProxies(before, added, later);
    expect(now).toEqual(withProxies(plain, nothing, later));
    expect(withProxies(now.container, now.added, later).container).toBe(now.container);
  });

  it("is removed where an earlier release added it", () => {
    expect(withoutProxies(before, added, later)).toEqual(plain);
  });

  it("leaves a value that the application has changed since", () => {
    const own = { name: "ALL_PROXY", value: "http://proxy:3128" };
    const changed = { ...before, environment: [own] };
    expect(listAt(withProxies(changed, added, later).container, "environment")[0]).toEqual(own);
    expect(withoutProxies(changed, added, later)).toBe(changed);
  });

  it("leaves variables that belonged to the application before the sidecar was added", () => {
    expect(withProxies(before, nothing, later).container).toBe(before);
    expect(withoutProxies(before, nothing, later)).toBe(before);
  });
});

describe("the proxy environment of this release", () => {
  it.each([
    ["ALL_PROXY", "socks5h://127.0.0.1:15080"],
    ["NO_PROXY", "169.254.170.2,169.254.169.254,localhost,127.0.0.1"],
  ] as const)("recognizes every value that a release gave %s: %s", (name, value) => {
    const container: JsonObject = { name: "web", environment: [{ name, value }] };
    const claims: Added = { container: "web", env: [name], environment: "absent" };
    expect(withoutProxies(container, claims)).toEqual({ name: "web" });
  });
});
