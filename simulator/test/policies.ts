/** A policy that allows actions on resources. */
export function allows(Action: string | readonly string[], Resource: string | readonly string[], more: object = {}) {
  return { Version: "2012-10-17", Statement: [{ Effect: "Allow", Action, Resource, ...more }] };
}

/** The trust policy of a role for an AWS service. */
export function trustOf(Service: string, more: object = {}) {
  return trusting({ Service }, more);
}

/** A trust policy that names principals. */
export function trusting(Principal: object | string, more: object = {}) {
  return { Version: "2012-10-17", Statement: [{ Effect: "Allow", Action: "sts:AssumeRole", Principal, ...more }] };
}
