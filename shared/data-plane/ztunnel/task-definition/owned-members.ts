import { isJsonObject, isSameJson, type Json, type JsonObject } from "../../../base/json.ts";
import { isSet, listAt, numberAt, objectAt, objectsAt, without } from "../../../base/json-fields.ts";
import { nameOf } from "../../../model/task-definition.ts";
import { type Claims, digestOf, THEIRS, withClaim, withoutClaim } from "./claims.ts";
import { driverOf, type LogConfiguration, looksLikeOurs } from "./logs.ts";

/** The sidecar's container while it is corrected, and what the autopilot claims of it. */
export interface Draft {
  readonly container: JsonObject;
  readonly claims: Claims;
  /** False for a sidecar made by hand that is adopted now: what stands in it is its owner's. */
  readonly isOurs: boolean;
}

/** Leaves the container the very same object when nothing has to change: that is how a difference is found. */
export type Edit = (draft: Draft) => Draft;

function isClaimed({ container, claims }: Draft, member: string): boolean {
  const value = container[member];
  return value !== undefined && claims.get(member) === digestOf(value);
}

/** A setting that the configuration has or has no more. It goes before what somebody set, and leaves with its claim. */
export const withSetting =
  (member: string, value: Json | undefined): Edit =>
  (draft) => {
    const { container, claims } = draft;
    const wasOurs = isClaimed(draft, member);
    if (value === undefined) {
      return {
        ...draft,
        container: wasOurs ? without(container, member) : container,
        claims: withoutClaim(claims, member),
      };
    }
    if (isSameJson(container[member], value)) {
      return wasOurs ? draft : { ...draft, claims: withoutClaim(claims, member) };
    }
    return {
      ...draft,
      container: { ...container, [member]: value },
      claims: withClaim(claims, member, digestOf(value)),
    };
  };

/**
 * A size that the sidecar shall have at least: somebody may have given it more. `cpu` is 0 where it isn't set, the
 * others are left out.
 */
export const withSize =
  (member: "cpu" | "memory" | "memoryReservation", value: number | undefined): Edit =>
  (draft) => {
    const { container, claims, isOurs } = draft;
    const present = numberAt(container, member) ?? 0;
    // Earlier releases built a reservation, and kept no claim of it.
    const unclaimed = member === "memoryReservation" && isOurs && !claims.has(member);
    const wasOurs = isClaimed(draft, member) || unclaimed;
    if (present > 0 && !wasOurs && present >= (value ?? 0)) {
      const kept = member === "memoryReservation" ? withClaim(claims, member, THEIRS) : withoutClaim(claims, member);
      return { ...draft, claims: kept };
    }
    if (value === undefined || value === 0) {
      const rest = present === 0 ? container : member === "cpu" ? { ...container, cpu: 0 } : without(container, member);
      return { ...draft, container: rest, claims: withoutClaim(claims, member) };
    }
    return {
      ...draft,
      container: present === value ? container : { ...container, [member]: value },
      claims: withClaim(claims, member, digestOf(value)),
    };
  };

/** ECS asks for one of both where the task has no size: a limit of its owner's serves as well. */
export const withReservation =
  (value: number | undefined, limit: number | undefined): Edit =>
  (draft) =>
    value !== undefined && limit === undefined && isSet(draft.container, "memory")
      ? draft
      : withSize("memoryReservation", value)(draft);

/**
 * The log configuration that follows from the task; where none does, one of ours goes, and its owner's stays. ECS
 * describes a log configuration with members that nobody registered, such as an empty `secretOptions`.
 */
export const withLogs =
  (derived: LogConfiguration | undefined): Edit =>
  (draft) => {
    const { container, claims, isOurs } = draft;
    const current = objectAt(container, "logConfiguration");
    const claim = claims.get("logConfiguration");
    const wasOurs = claim === undefined ? isOurs && looksLikeOurs(current) : claim === driverOf(current);
    if (derived === undefined) {
      if (!isSet(container, "logConfiguration")) return { ...draft, claims: withoutClaim(claims, "logConfiguration") };
      if (wasOurs) {
        const rest = without(container, "logConfiguration");
        return { ...draft, container: rest, claims: withoutClaim(claims, "logConfiguration") };
      }
      const kept = looksLikeOurs(current)
        ? withClaim(claims, "logConfiguration", THEIRS)
        : withoutClaim(claims, "logConfiguration");
      return { ...draft, claims: kept };
    }
    const isSameDriver = driverOf(current) === derived.logDriver;
    const wanted = { ...(isSameDriver ? withoutFilled(current, ["options", "secretOptions"]) : {}), ...derived };
    const isSame = isSameJson(current, wanted);
    const isTold = looksLikeOurs(derived) || (isSame && !wasOurs);
    return {
      ...draft,
      container: isSame ? container : { ...container, logConfiguration: wanted },
      claims: isTold
        ? withoutClaim(claims, "logConfiguration")
        : withClaim(claims, "logConfiguration", derived.logDriver),
    };
  };

const withoutFilled = (object: JsonObject, members: readonly string[]): JsonObject =>
  members.reduce((rest, member) => {
    const isEmpty = Object.keys(objectAt(rest, member)).length === 0 && listAt(rest, member).length === 0;
    return isEmpty ? rest : without(rest, member);
  }, object);

/** A claim's name for a variable of the container. */
const claimOf = (name: string): string => `environment.${name}`;

/** The claims of new variables. */
export function claimsOfVariables(variables: readonly Variable[]): Claims {
  return new Map(variables.map((one) => [claimOf(one.name), digestOf({ ...one })] as const));
}

export interface Variable {
  readonly name: string;
  readonly value: string;
}

/**
 * The configured variables beside those of its owner, and without those that are configured no more. A name that is a
 * secret of the container stays one: ECS refuses it twice.
 */
export const withEnvironment =
  (variables: readonly Variable[]): Edit =>
  (draft) => {
    const { container, claims } = draft;
    const secrets = new Set(objectsAt(container, "secrets").map(nameOf));
    const wanted = variables.filter(({ name }) => !secrets.has(name)).map((one) => ({ ...one }));
    const present = listAt(container, "environment");
    const isOurs = (entry: JsonObject) => claims.get(claimOf(nameOf(entry))) === digestOf(entry);
    const isWanted = (entry: JsonObject) => wanted.some(({ name }) => name === nameOf(entry));
    const isThere = (variable: JsonObject) => present.some((entry) => isSameJson(entry, variable));
    const rest = [...claims].filter(([member]) => !member.startsWith(claimOf("")));
    const now = new Map([...rest, ...claimsOfVariables(wanted.filter((one) => !isThere(one) || isOurs(one)))]);
    const isStale = (entry: Json) => isJsonObject(entry) && isOurs(entry) && !isWanted(entry);
    if (!present.some(isStale) && wanted.every(isThere)) return { ...draft, claims: now };
    const others = present.filter((entry) => !isJsonObject(entry) || !(isOurs(entry) || isWanted(entry)));
    const environment = [...others, ...wanted];
    return {
      ...draft,
      container: environment.length > 0 ? { ...container, environment } : without(container, "environment"),
      claims: now,
    };
  };
