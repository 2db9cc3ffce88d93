/**
 * What has ended a deployment on purpose, by ECS's words for it: an alarm of its deployment configuration, or a person
 * with StopServiceDeployment; `undefined` for any other end. ECS names the cause in `rolloutStateReason` and in events
 * in prose alone.
 * https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-alarm-failure.html
 */
export function endedOnPurpose(reason: string): "deployment-alarm" | "deployment-stopped" | undefined {
  if (/circuit breaker/i.test(reason)) return undefined;
  if (/\balarms?\b/i.test(reason)) return "deployment-alarm";
  return STOPPED_BY_PERSON.test(reason) ? "deployment-stopped" : undefined;
}

const STOPPED_BY_PERSON =
  /stopped by (a )?(user|person)|by user request|StopServiceDeployment|manual(ly)? (rollback|stopped)/i;
