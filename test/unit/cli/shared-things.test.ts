import { describe, expect, it } from "vitest";
import { sharedThings } from "../../../cli/inventory/shared-things.ts";
import { sharedThingsText } from "../../../cli/render/shared-things.ts";
import { terminalOf } from "../../../cli/render/style.ts";
import { type Claim, newClaim, secretSubject } from "../../../shared/model/claim.ts";
import { type ServiceState, serviceStateSchema } from "../../../shared/model/service-state.ts";
import { ACCOUNT, OTHER_ACCOUNT, web } from "../../support/arns.ts";
import { testContext } from "../../support/cli-contexts.ts";
import { config } from "../../support/services.ts";

const NOW = Date.parse("2026-03-10T12:00:00Z");
const ROLE = `arn:aws:iam::${ACCOUNT}:role/web-task`;
const DAY_MS = 24 * 3_600_000;

const accounts = (controlPlane: string, holder: Claim["holders"][string]): Claim => ({
  ...newClaim(`service-account ${controlPlane} shop web`),
  holders: { [ROLE]: holder },
});
const secret = (members: Partial<Claim> = {}): Claim => ({
  ...newClaim(secretSubject({ account: ACCOUNT, region: "us-east-1" }, "ztunnel-autopilot/net/shop/web")),
  deletesAtMs: NOW + 12 * DAY_MS,
  ...members,
});
const state = (serviceArn: string, enrolled = true): ServiceState =>
  serviceStateSchema.parse({ shape: 1, serviceArn, enrolled });

const things = (claims: readonly Claim[], states: readonly ServiceState[] = [], scope = {}) =>
  sharedThings({ claims, states }, { scope, config: config(), nowMs: NOW });

describe("orphans", () => {
  it("are identities that no service has, with since when and when they are unbound", () => {
    const idle = { services: [], unneededSinceMs: NOW - DAY_MS };
    const identity = { controlPlane: "main", namespace: "shop", serviceAccount: "web", roleArn: ROLE };
    expect(things([accounts("main", idle)]).orphans.identities).toEqual([
      { ...identity, since: "2026-03-09T12:00:00.000Z", unboundFrom: "2026-03-16T12:00:00.000Z" },
    ]);
    const used = { services: [web.serviceArn] };
    expect(things([accounts("main", used)]).orphans.identities).toEqual([]);
    expect(things([accounts("left", used)]).orphans.identities).toEqual([{ ...identity, controlPlane: "left" }]);
  });

  it("are secrets that are scheduled for deletion, until they are gone or somebody needs them", () => {
    const name = "ztunnel-autopilot/net/shop/web";
    const place = { account: ACCOUNT, region: "us-east-1" };
    expect(things([secret()]).orphans.secrets).toEqual([{ ...place, name, deletedFrom: "2026-03-22T12:00:00.000Z" }]);
    expect(things([secret({ deletesAtMs: NOW })]).orphans.secrets).toEqual([]);
    expect(things([secret({ holders: { [ROLE]: { services: [web.serviceArn] } } })]).orphans.secrets).toEqual([]);
  });

  it("are services in the mesh whose account, region or control plane left the configuration", () => {
    const elsewhere = (region: string, account: string) => `arn:aws:ecs:${region}:${account}:service/prod/web`;
    const states = [
      state(web.serviceArn),
      state(elsewhere("us-east-1", OTHER_ACCOUNT)),
      state(elsewhere("eu-west-1", ACCOUNT)),
      state(elsewhere("eu-west-1", OTHER_ACCOUNT), false),
    ];
    expect(things([], states).orphans.services).toEqual([
      { serviceArn: elsewhere("us-east-1", OTHER_ACCOUNT), why: "account" },
      { serviceArn: elsewhere("eu-west-1", ACCOUNT), why: "region" },
    ]);
    const known = { ...state(elsewhere("eu-west-1", ACCOUNT)), controlPlane: "main" };
    const orphaned = { why: "region", sinceMs: NOW, isNotified: true };
    expect(things([], [{ ...known, orphaned }]).orphans.services).toEqual([
      { serviceArn: known.serviceArn, why: "region", controlPlane: "main", since: "2026-03-10T12:00:00.000Z" },
    ]);
    const scope = { regions: ["eu-*"] };
    expect(things([], states, scope).orphans.services.map(({ why }) => why)).toEqual(["region"]);
  });

  it("are services that a sweep could not read, or whose cluster was gone; not those that have no tasks any more", () => {
    const found = (why: string, enrolled = true) =>
      things([], [{ ...state(web.serviceArn, enrolled), orphaned: { why, sinceMs: NOW, isNotified: false } }]);
    expect(found("unreadable").orphans.services).toMatchObject([{ why: "unreadable", controlPlane: "main" }]);
    expect(found("cluster-gone").orphans.services).toMatchObject([{ why: "cluster-gone" }]);
    expect(found("account").orphans.services, "the configuration names it again").toEqual([]);
    expect(found("unreadable", false).orphans.services).toEqual([]);
  });

  it("are those of the scope, and of a scope with clusters its services alone", () => {
    const claims = [accounts("main", { services: [], unneededSinceMs: NOW }), secret()];
    const found = (scope: object) => things(claims, [], scope).orphans;
    expect(found({ accounts: [OTHER_ACCOUNT] })).toMatchObject({ identities: [], secrets: [] });
    expect(found({ clusters: ["prod"] })).toMatchObject({ identities: [], secrets: [] });
    expect(found({ regions: ["eu-west-1"] })).toMatchObject({ identities: [{}], secrets: [] });
  });
});

describe("status", () => {
  const { out, environment } = testContext();

  it("prints them below the services, with problems of what services share, escaped for the terminal", () => {
    const problem = { code: "identity-conflict", detail: "shop/web is bound to \u001b[31mx", sinceMs: NOW } as const;
    const claims = [{ ...accounts("main", { services: [], unneededSinceMs: NOW }), problem }, secret()];
    const states = [state(`arn:aws:ecs:us-east-1:${OTHER_ACCOUNT}:service/prod/web`)];
    const text = sharedThingsText(things(claims, states), terminalOf(out, environment)).join("\n");
    expect(text).toContain(
      `main  shop/web of ${ROLE}: no service since 2026-03-10 12:00, unbound from 2026-03-17 12:00`,
    );
    expect(text).toContain("ztunnel-autopilot/net/shop/web: deleted from 2026-03-22 12:00");
    expect(text).toContain("service/prod/web: orphaned, in a mesh: its account is not in the configuration");
    expect(text).toMatch(/main {2}identity-conflict since 2026-03-10 12:00: shop\/web is bound to/);
    expect(text).not.toContain("\u001b");
    expect(sharedThingsText(things([]), terminalOf(out, environment))).toEqual([]);
  });
});
