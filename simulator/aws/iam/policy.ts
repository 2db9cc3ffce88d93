import * as z from "zod";
import type { Principal } from "../../core/authorization.ts";
import { knownActions } from "./catalog.ts";
import { type Condition, type ConditionBlock, compileCondition, type KeyValues } from "./conditions.ts";
import { compileArnPattern, compileText, type Variables } from "./pattern.ts";
import { UnsupportedPolicy } from "./unsupported-policy.ts";

const oneOrMore = z.union([z.string(), z.array(z.string()).min(1)]).transform((value) => [value].flat());
const principals = z.union([
  z.literal("*").transform(() => ({ AWS: ["*"], Service: ["*"] })),
  z.strictObject({ AWS: oneOrMore.optional(), Service: oneOrMore.optional(), Federated: oneOrMore.optional() }),
]);
// JSON's true and 5 are written as text by most, and read alike.
const scalar = z.union([z.string(), z.boolean(), z.number()]).transform(String);
const values = z.union([scalar, z.array(scalar).min(1)]).transform((value) => [value].flat());
const statementSchema = z
  .strictObject({
    Sid: z.string().optional(),
    Effect: z.enum(["Allow", "Deny"]),
    Principal: principals.optional(),
    NotPrincipal: principals.optional(),
    Action: oneOrMore.optional(),
    NotAction: oneOrMore.optional(),
    Resource: oneOrMore.optional(),
    NotResource: oneOrMore.optional(),
    Condition: z.record(z.string(), z.record(z.string(), values)).optional(),
  })
  .refine(({ Action, NotAction }) => (Action === undefined) !== (NotAction === undefined), "one of Action, NotAction");
const policySchema = z.strictObject({
  Version: z.enum(["2012-10-17", "2008-10-17"]).default("2008-10-17"),
  Id: z.string().optional(),
  // Not a union, whose message would not say what is wrong in which statement.
  Statement: z.preprocess((given) => (Array.isArray(given) ? given : [given]), z.array(statementSchema).min(1)),
});
type Written = z.output<typeof statementSchema>;
type WrittenPrincipals = z.output<typeof principals>;

/** What a policy belongs to: only a resource's names principals, and a role's trust policy names no resource. */
export type PolicyKind = "identity" | "resource" | "trust";

/** How a statement names a caller: itself, or the account that it belongs to, which then decides. */
export type PrincipalMatch = "named" | "account" | "none";

/** A statement, compiled. */
export interface Statement {
  readonly effect: "Allow" | "Deny";
  /** The action in lower case. */
  readonly actions: (action: string) => boolean;
  readonly resources: (resource: string, variables: Variables) => boolean;
  readonly principals: (principal: Principal) => PrincipalMatch;
  readonly condition: Condition;
}

/** A policy, compiled: its statements. */
export type Policy = readonly Statement[];

/**
 * A policy document, an object or JSON text, compiled.
 * @throws UnsupportedPolicy for an element, operator, key, action or ARN that is not known, or is malformed
 */
export function compilePolicy(document: unknown, kind: PolicyKind): Policy {
  const parsed = policySchema.safeParse(typeof document === "string" ? parsedJson(document) : document);
  if (!parsed.success) throw new UnsupportedPolicy(z.prettifyError(parsed.error));
  const variables = parsed.data.Version === "2012-10-17";
  try {
    return parsed.data.Statement.map((statement) => compileStatement(statement, kind, variables));
  } catch (error) {
    if (error instanceof UnsupportedPolicy) throw error;
    throw new UnsupportedPolicy(error instanceof Error ? error.message : String(error));
  }
}

function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new UnsupportedPolicy("it is not JSON");
  }
}

function compileStatement(written: Written, kind: PolicyKind, variables: boolean): Statement {
  checkElements(written, kind);
  const condition: ConditionBlock = written.Condition ?? {};
  return {
    effect: written.Effect,
    actions: compileActions(written),
    resources: compileResources(written, variables),
    principals: compilePrincipals(written),
    condition: compileCondition(condition, variables),
  };
}

function checkElements({ Principal, NotPrincipal, Resource, NotResource }: Written, kind: PolicyKind): void {
  const named = [Principal, NotPrincipal].filter((one) => one !== undefined).length;
  if (named !== (kind === "identity" ? 0 : 1)) {
    throw new UnsupportedPolicy(
      kind === "identity"
        ? "an identity's policy names no principal"
        : "a resource's policy has either Principal or NotPrincipal",
    );
  }
  const resources = [Resource, NotResource].filter((one) => one !== undefined).length;
  if (resources !== (kind === "trust" ? 0 : 1)) {
    throw new UnsupportedPolicy(
      kind === "trust" ? "a trust policy names no resource" : "a statement has either Resource or NotResource",
    );
  }
}

function compileActions({ Action, NotAction }: Written): Statement["actions"] {
  const written = (Action ?? NotAction ?? []).map((action) => action.toLowerCase());
  for (const action of written) checkAction(action);
  const patterns = written.map((action) => compileText(action, { wildcards: true, variables: false }));
  const matches = (action: string) => patterns.some((pattern) => pattern(action, noVariables));
  return Action === undefined ? (action) => !matches(action) : matches;
}

function checkAction(action: string): void {
  if (action === "*") return;
  const [service = "", name = ""] = action.split(":");
  const pattern = compileText(name, { wildcards: true, variables: false });
  if (knownActions(service, (one) => pattern(one, noVariables)).length === 0) {
    throw new UnsupportedPolicy(`there is no action ${action} in the simulator's catalog`);
  }
}

function compileResources({ Resource, NotResource }: Written, variables: boolean): Statement["resources"] {
  const patterns = (Resource ?? NotResource ?? ["*"]).map((resource) => compileArnPattern(resource, variables));
  const matches = (resource: string, given: Variables) => patterns.some((pattern) => pattern(resource, given));
  return NotResource === undefined ? matches : (resource, given) => !matches(resource, given);
}

function compilePrincipals({ Principal, NotPrincipal }: Written): Statement["principals"] {
  if (Principal) return principalMatcher(Principal);
  if (!NotPrincipal) return () => "named";
  const excluded = principalMatcher(NotPrincipal);
  // Who belongs to an account that is excluded is excluded.
  return (principal) => (excluded(principal) === "none" ? "named" : "none");
}

const ACCOUNT = /^(?:arn:aws[\w-]*:iam::)?(\d{12})(?::root)?$/;
const ROLE_OR_SESSION = /^arn:aws[\w-]*:(?:iam::\d{12}:(?:role|user)|sts::\d{12}:assumed-role)\/[^*]+$/;

function principalMatcher(written: WrittenPrincipals): Statement["principals"] {
  const named = new Set(written.AWS);
  const services = new Set(written.Service);
  const accounts = new Set<string>();
  for (const principal of named) {
    const [, account] = ACCOUNT.exec(principal) ?? [];
    if (account !== undefined) accounts.add(account);
    else if (principal !== "*" && !ROLE_OR_SESSION.test(principal)) {
      throw new UnsupportedPolicy(`${principal} is not a principal`);
    }
  }
  return (principal) => {
    if (principal.kind === "service") {
      return services.has(principal.service) || services.has("*") ? "named" : "none";
    }
    if (named.has("*")) return "named";
    if (principal.kind === "session" && (named.has(principal.roleArn) || named.has(principal.sessionArn))) {
      return "named";
    }
    return accounts.has(principal.account) ? "account" : "none";
  };
}

const noVariables: Variables = () => undefined;

/** The variables of a request: its keys with one value. */
export function variablesOf(values: KeyValues): Variables {
  return (key) => {
    const found = values(key);
    return found?.length === 1 ? found[0] : undefined;
  };
}
