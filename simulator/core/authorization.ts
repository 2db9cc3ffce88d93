/** Who makes a call: all of an account's rights, the session of a role, or an AWS service on behalf of a resource. */
export type Principal =
  | { readonly kind: "account"; readonly account: string }
  | {
      readonly kind: "session";
      readonly account: string;
      readonly roleArn: string;
      /** `arn:aws:sts::123456789012:assumed-role/web/session`. */
      readonly sessionArn: string;
    }
  | {
      readonly kind: "service";
      /** `events.amazonaws.com`. */
      readonly service: string;
      /** What the service acts for: a rule, a state machine. */
      readonly sourceArn: string;
    };

/** Values of condition keys, by the keys' names. A key without values is not in the request's context. */
export type ConditionValues = Readonly<Record<string, string | readonly string[] | undefined>>;

/** One action that a call needs to be allowed, on one resource. */
export interface Need {
  /** `ecs:UpdateService`. */
  readonly action: string;
  /** The resource's ARN; `*` where the action has none. */
  readonly resource: string;
  /** The action's own condition keys, and those of tags in the request. Global ones are there by themselves. */
  readonly keys?: ConditionValues;
  /** The resource's tags now, for `aws:ResourceTag/…`. */
  readonly tags?: () => ReadonlyMap<string, string> | undefined;
  /** The JSON text of the resource's policy, where its service keeps it. */
  readonly resourcePolicy?: string | undefined;
}

/** A role that an AWS service takes on, and for which of its resources. */
export interface ServiceSession {
  readonly service: string;
  readonly sourceArn: string;
  readonly roleArn: string;
  readonly sessionName: string;
}

/** Credentials of a role's session. */
export interface SessionCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken: string;
  readonly expirationMs: number;
  readonly sessionArn: string;
}

/** Where a principal calls from: conditions may be on it. */
export interface CallPlace {
  readonly account: string;
  readonly region: string;
}

/**
 * Decides what principals may do. Without one, everybody may do everything. What is refused comes as AWS's message;
 * undefined means that it is allowed.
 */
export interface Authorizer {
  /**
   * The principal of an access key; undefined for one that says only an account, or nothing.
   * @throws AwsError for a session's key that is not valid, or not any more
   */
  principalOf(accessKeyId: string): Principal | undefined;
  refusal(principal: Principal, need: Need, place: CallPlace): string | undefined;
  /** Like `refusal`, for an AWS service that takes on a role for it. */
  refusalOfRole(session: ServiceSession, need: Need, place: CallPlace): string | undefined;
  /** A session of a role, for a caller that was found to be allowed to assume it. */
  openSession(roleArn: string, sessionName: string, seconds: number): SessionCredentials;
  /** What a role's identity policies say about a read that has no session yet, such as that of a task's secret. */
  refusalOfSession(roleArn: string, sessionName: string, need: Need, place: CallPlace): string | undefined;
}
