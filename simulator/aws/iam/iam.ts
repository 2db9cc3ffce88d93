import { AwsError } from "../../base/aws-error.ts";
import { seededRandom } from "../../base/random.ts";
import { randomBase62 } from "../../base/random-id.ts";
import type { Clock } from "../../clock/clock.ts";
import type {
  Authorizer,
  CallPlace,
  Need,
  Principal,
  ServiceSession,
  SessionCredentials,
} from "../../core/authorization.ts";
import type { SimulatorContext } from "../../core/connections.ts";
import { judge } from "./evaluate.ts";
import { compilePolicy, type Policy } from "./policy.ts";
import { requestKeys } from "./request-keys.ts";

/** A role: who may take it on, and what it may do. */
export interface Role {
  readonly roleArn: string;
  /** The trust policy, an object or JSON text. */
  readonly trust: unknown;
  /** Its policies, each an object or JSON text. */
  readonly policies: readonly unknown[];
}

interface CompiledRole {
  readonly trust: Policy;
  readonly policy: Policy;
  /** The statements that speak of an action at all: most of a role's don't. */
  readonly byAction: Map<string, Policy>;
}

interface Session {
  readonly principal: Principal;
  readonly endsMs: number;
}

const ROLE = /^arn:aws[\w-]*:iam::(\d{12}):role\/([\w+=,.@/-]+)$/;
const SESSION_KEY = /^ASIA[0-9A-Za-z]{16}$/;
/** How long a session's key is still known as one that has expired. */
const REMEMBERED_MS = 24 * 3600_000;
const MOST_COMPILED = 5_000;

/**
 * IAM: roles with their policies, the policies of resources, and sessions of roles. A simulator that has it refuses
 * every call that is not allowed; one that has not lets everybody do everything. The administrator of an account, who
 * calls with the account as access key, may do all that the account may do.
 */
export class Iam implements Authorizer {
  readonly #clock: Clock;
  readonly #roles = new Map<string, CompiledRole>();
  readonly #resourcePolicies = new Map<string, Policy>();
  readonly #compiled = new Map<string, Policy>();
  readonly #sessions = new Map<string, Session>();
  #count = 0;
  #prunedAtMs = 0;

  constructor({ clock, authorizer }: Pick<SimulatorContext, "clock" | "authorizer">) {
    this.#clock = clock;
    authorizer.provide(this);
  }

  /**
   * Adds a role, or replaces the one of its ARN.
   * @throws UnsupportedPolicy for a policy with anything that is not evaluated here
   */
  putRole({ roleArn, trust, policies }: Role): void {
    if (!ROLE.test(roleArn)) throw new Error(`${roleArn} is not the ARN of a role`);
    const policy = policies.flatMap((one) => compilePolicy(one, "identity"));
    this.#roles.set(roleArn, { trust: compilePolicy(trust, "trust"), policy, byAction: new Map() });
  }

  /**
   * Gives a resource a policy whose service does not keep one: a function, a bus, a queue, a key.
   * @throws UnsupportedPolicy
   */
  putResourcePolicy(resourceArn: string, policy: unknown): void {
    this.#resourcePolicies.set(resourceArn, compilePolicy(policy, "resource"));
  }

  /** The ARNs of all roles. */
  roleArns(): readonly string[] {
    return [...this.#roles.keys()];
  }

  principalOf(accessKeyId: string): Principal | undefined {
    const session = this.#sessions.get(accessKeyId);
    if (session === undefined) {
      if (!SESSION_KEY.test(accessKeyId)) return undefined;
      throw new AwsError("UnrecognizedClientException", "The security token included in the request is invalid.", 403);
    }
    if (this.#clock.now() < session.endsMs) return session.principal;
    throw new AwsError("ExpiredTokenException", "The security token included in the request is expired", 403);
  }

  refusal(principal: Principal, need: Need, place: CallPlace): string | undefined {
    const role = principal.kind === "session" ? this.#roles.get(principal.roleArn) : undefined;
    const isAssumption = need.action === "sts:AssumeRole";
    const decision = judge({
      principal,
      need,
      keys: requestKeys(principal, need, { place, nowMs: this.#clock.now() }),
      identity: principal.kind === "account" ? "all" : role ? statementsOf(role, need.action) : [],
      resource: isAssumption ? this.#roles.get(need.resource)?.trust : this.#resourcePolicy(need),
      resourceAccount: need.resource.split(":")[4] || undefined,
      resourceDecides: isAssumption || need.action.startsWith("kms:"),
    });
    if (decision.allowed) return undefined;
    const what = `User: ${nameOf(principal)} is not authorized to perform: ${need.action} on resource: ${need.resource}`;
    // STS says no more.
    return isAssumption ? what : `${what} ${decision.why}`;
  }

  refusalOfRole({ service, sourceArn, roleArn, sessionName }: ServiceSession, need: Need, place: CallPlace) {
    const assumption = { action: "sts:AssumeRole", resource: roleArn };
    const refused = this.refusal({ kind: "service", service, sourceArn }, assumption, place);
    return refused ?? this.refusalOfSession(roleArn, sessionName, need, place);
  }

  refusalOfSession(roleArn: string, sessionName: string, need: Need, place: CallPlace): string | undefined {
    return this.refusal(sessionPrincipal(roleArn, sessionName), need, place);
  }

  /** Its keys are of a sequence of their own: nothing else of a seed depends on how many sessions there are. */
  openSession(roleArn: string, sessionName: string, seconds: number): SessionCredentials {
    this.#count += 1;
    const random = seededRandom(this.#count);
    const principal = sessionPrincipal(roleArn, sessionName);
    const accessKeyId = `ASIA${String(this.#count).padStart(16, "0")}`;
    const expirationMs = this.#clock.now() + seconds * 1000;
    this.#prune();
    this.#sessions.set(accessKeyId, { principal, endsMs: expirationMs });
    return {
      accessKeyId,
      secretAccessKey: randomBase62(random, 40),
      sessionToken: randomBase62(random, 64),
      expirationMs,
      sessionArn: principal.sessionArn,
    };
  }

  #resourcePolicy({ resource, resourcePolicy }: Need): Policy | undefined {
    if (resourcePolicy === undefined) return this.#resourcePolicies.get(resource);
    const known = this.#compiled.get(resourcePolicy);
    if (known) return known;
    if (this.#compiled.size >= MOST_COMPILED) this.#compiled.clear();
    const compiled = compilePolicy(resourcePolicy, "resource");
    this.#compiled.set(resourcePolicy, compiled);
    return compiled;
  }

  #prune(): void {
    const nowMs = this.#clock.now();
    if (nowMs - this.#prunedAtMs < REMEMBERED_MS) return;
    this.#prunedAtMs = nowMs;
    for (const [key, { endsMs }] of this.#sessions) if (endsMs + REMEMBERED_MS < nowMs) this.#sessions.delete(key);
  }
}

function statementsOf({ policy, byAction }: CompiledRole, action: string): Policy {
  const known = byAction.get(action);
  if (known) return known;
  const found = policy.filter(({ actions }) => actions(action.toLowerCase()));
  byAction.set(action, found);
  return found;
}

function sessionPrincipal(roleArn: string, sessionName: string): Principal & { readonly kind: "session" } {
  const [, account = ""] = ROLE.exec(roleArn) ?? [];
  return { kind: "session", account, roleArn, sessionArn: sessionArnOf(roleArn, sessionName) };
}

/** The ARN of a role's session: it has the role's name without its path. */
export function sessionArnOf(roleArn: string, sessionName: string): string {
  const [, account = "", path = ""] = ROLE.exec(roleArn) ?? [];
  return `arn:aws:sts::${account}:assumed-role/${path.slice(path.lastIndexOf("/") + 1)}/${sessionName}`;
}

function nameOf(principal: Principal): string {
  if (principal.kind === "service") return principal.service;
  return principal.kind === "session" ? principal.sessionArn : `arn:aws:iam::${principal.account}:root`;
}
