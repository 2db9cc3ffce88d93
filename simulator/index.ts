/**
 * A simulator of AWS services, Kubernetes APIs and Slack: see README.md. DynamoDB has a door of its own, `./dynamodb`.
 */

export { CloudWatch } from "./aws/cloudwatch/cloudwatch.ts";
export { deletionMs } from "./aws/dynamodb/expiry.ts";
export { Ecs, type EcsOptions } from "./aws/ecs/ecs.ts";
export type { EcsCluster, EcsDeployment, EcsRevision, EcsService, EcsTask } from "./aws/ecs/model.ts";
export { registrationProblems } from "./aws/ecs/registration/rules.ts";
export type { Timings } from "./aws/ecs/timings.ts";
export { Eks, type EksCluster } from "./aws/eks/eks.ts";
export { EventBridge, type EventBridgeOptions, type LoggedEvent } from "./aws/event-bridge/event-bridge.ts";
export { compilePattern } from "./aws/event-bridge/pattern.ts";
export { Iam, type Role } from "./aws/iam/iam.ts";
export { UnsupportedPolicy } from "./aws/iam/unsupported-policy.ts";
export { SecretsManager } from "./aws/secrets-manager/secrets-manager.ts";
export { Ssm } from "./aws/ssm/ssm.ts";
export { type HistoryEvent, MAX_HISTORY_EVENTS } from "./aws/step-functions/history.ts";
export { copyJson, MAX_PAYLOAD_BYTES } from "./aws/step-functions/payload.ts";
export type { ExecutionDescription, ExecutionStatus } from "./aws/step-functions/run.ts";
export { StateMachines, type StateMachinesOptions } from "./aws/step-functions/state-machines.ts";
export { StepFunctions, type StepFunctionsOptions } from "./aws/step-functions/step-functions.ts";
export { Sts, type StsOptions } from "./aws/sts/sts.ts";
export { AwsError } from "./base/aws-error.ts";
export {
  type FaultKind,
  type FaultMatch,
  type FaultRule,
  Faults,
  faultKinds,
  faultRuleSchema,
  faultStatus,
  lambdaServiceErrors,
  startServiceErrors,
} from "./base/faults.ts";
export type { Json, JsonObject } from "./base/json.ts";
export { type Random, seededRandom } from "./base/random.ts";
export type { Clock } from "./clock/clock.ts";
export { ScaledClock, type ScaledClockOptions } from "./clock/scaled-clock.ts";
export { VirtualClock, type VirtualClockOptions } from "./clock/virtual-clock.ts";
export type { Authorizer, Need, Principal } from "./core/authorization.ts";
export type {
  Connections,
  Functions,
  Objections,
  Port,
  SecretReader,
  SimulatorContext,
  StartingContainer,
  TaskChange,
  Topic,
} from "./core/connections.ts";
export { LOST_ANSWER } from "./core/dispatcher.ts";
export type { AwsEvent } from "./core/event.ts";
export { Latency } from "./core/latency.ts";
export type { AnsweredCall, AwsRouter } from "./core/router.ts";
export type { AwsService, CallContext, HttpService, Operation, SimulatedService } from "./core/service.ts";
export { Simulator, type SimulatorOptions } from "./core/simulator.ts";
export { inProcessFetch, inProcessRequestHandler, inProcessTextFetch, type TextFetch } from "./http/in-process.ts";
export type { RequestHandler, SimulatorRequest, SimulatorResponse } from "./http/message.ts";
export type { Protocol, RestCall } from "./http/protocols.ts";
export { scopeOf, scopeSigner } from "./http/scope-signer.ts";
export { type RunningServer, type ServerOptions, startServer } from "./http/server.ts";
export { type Rate, type RateTable, rates } from "./http/throttle.ts";
export { Kubernetes, type KubernetesOptions } from "./kubernetes/kubernetes.ts";
export { nextRootCaPem, renewedRootCaPem, rootCaPem } from "./kubernetes/root-ca.ts";
export { type SlackPress, slackSignature } from "./slack/interactions.ts";
export { readMrkdwn, type SlackPart, type SlackStyle } from "./slack/mrkdwn.ts";
export { type SlackContent, type SlackView, viewOf } from "./slack/readers.ts";
export { Slack, type SlackMessage, type SlackOptions, type SlackSight, type SlackThread } from "./slack/slack.ts";
