import { AsyncLocalStorage } from "node:async_hooks";
import {
  type Clock,
  type Iam,
  inProcessFetch,
  inProcessRequestHandler,
  inProcessTextFetch,
  type Kubernetes,
  type RequestHandler,
  type Simulator,
  scopeOf,
  scopeSigner,
} from "@ztunnel-autopilot/simulator";
import { createInstruments, type Instruments } from "../../functions/observability.ts";
import { AutopilotError } from "../../shared/base/errors.ts";
import type { Config } from "../../shared/config/config.ts";
import { resourceNames } from "../../shared/config/names.ts";
import { type AwsClients, awsClients } from "../../shared/gateways/aws/aws-clients.ts";
import type { KubernetesFetch } from "../../shared/gateways/kubernetes/kubernetes-client.ts";
import type { Ledgers } from "../../shared/ports/ledger.ts";
import type { ServingCertificateCalls } from "../../shared/ports/ports.ts";
import type { AutopilotDeployment } from "../../stacks/definitions/deployment.ts";
import { sendDirectly } from "./direct-send.ts";
import { FunctionRoles } from "./function-roles.ts";
import { instrumentedLedger } from "./ledger.ts";
import { failLedgerCall, sendLedgerCall } from "./ledger-faults.ts";
import type { Sandbox } from "./runtime.ts";

const SELF_DESCRIPTION = ["getUserAgentMiddleware", "recursionDetectionMiddleware"];
/** The clients that `directCalls` is for. */
const DIRECT: readonly string[] = ["ECSClient", "SFNClient", "EventBridgeClient", "SecretsManagerClient"];

/** What the functions run on: SDK clients, fetch, ledger and logs that lead into the lab. */
export interface Platform {
  readonly config: Config;
  readonly clock: Clock;
  readonly clients: AwsClients;
  readonly fetch: typeof globalThis.fetch;
  /** The control planes' own. */
  readonly kubernetesFetch: KubernetesFetch;
  /** What the control planes' istiods serve, in place of a TLS handshake. */
  readonly serving: ServingCertificateCalls;
  readonly slackApiUrl: string;
  readonly rollServiceArn: string;
  readonly rollFleetArn: string;
  ledgerFor(sandbox: Sandbox): Ledgers;
  instruments(functionName: string): Instruments;
}

/** The same with the way in which a sandbox's code is run. */
export interface LabPlatform extends Platform {
  inSandbox<T>(sandbox: Sandbox, work: () => Promise<T>): Promise<T>;
}

export interface PlatformOptions {
  readonly config: Config;
  readonly simulator: Simulator;
  readonly iam: Iam;
  readonly deployment: AutopilotDeployment;
  readonly ledger: Ledgers;
  readonly endpoint: string;
  readonly rollServiceArn: string;
  readonly rollFleetArn: string;
  readonly controlPlanes: () => Iterable<Kubernetes>;
  /** Calls go without the SDK's pipeline where their answers have no timestamps that matter. */
  readonly directCalls: boolean;
  /** Every log line and metric of every function. Without it nothing is logged. */
  readonly onLine?: (functionName: string, line: string) => void;
  /** Every call of a function, by name: `ecs.UpdateService`, `ledger.takeLease`, `kubernetes.GET`. */
  readonly onCall: (name: string, sandbox: Sandbox) => void;
}

/**
 * The platform of a lab. SDK clients are shared by all sandboxes, since a client is costly; the sandbox that makes a
 * call is known by the asynchronous context that `inSandbox` opens.
 */
export function createPlatform(options: PlatformOptions): LabPlatform {
  const { config, simulator, onLine } = options;
  const { clock, random, faults, latency } = simulator.context;
  const home = { account: config.homeAccount, region: config.homeRegion };
  const { busName } = resourceNames(config);
  const silent = silenced(createInstruments("silent", busName));
  const running = new AsyncLocalStorage<Sandbox>();
  const roles = new FunctionRoles(options.iam, options.deployment);
  const around = <T>(name: string, sandbox: Sandbox | undefined, send: () => Promise<T>): Promise<T> => {
    if (!sandbox) return send();
    options.onCall(name, sandbox);
    return sandbox.call(name, send);
  };
  const handle: RequestHandler = (request) => {
    const sandbox = running.getStore();
    const from = { account: config.homeAccount, ...(sandbox && { invocation: sandbox.invocation() }) };
    return around(simulator.callName(request), sandbox, () => simulator.handle(request, from));
  };
  return {
    config,
    clock,
    rollServiceArn: options.rollServiceArn,
    rollFleetArn: options.rollFleetArn,
    serving: {
      readChain: (istiodUrl) => around("tls.connect", running.getStore(), async () => served(istiodUrl, options)),
    },
    slackApiUrl: `${options.endpoint}/slack/api/`,
    clients: awsClients({
      config,
      requestHandler: inProcessRequestHandler(handle),
      signer: scopeSigner,
      onClient: (client, region, credentials) => {
        // What the SDK says of itself is not read in the lab.
        for (const name of SELF_DESCRIPTION) client.middlewareStack.remove(name);
        if (options.directCalls && DIRECT.includes(client.constructor.name)) {
          sendDirectly(client, { handle, authorization: scopeOf(credentials, region) });
        }
      },
      // Without one, the SDK would search the environment and the user's files at every call.
      endpoint: options.endpoint,
      credentials: roles.credentialsOf(() => running.getStore()?.functionName),
      caller: () => running.getStore()?.functionName ?? "",
      pause: (ms) => clock.sleep(ms),
      random,
      now: () => clock.now(),
    }),
    fetch: inProcessFetch(handle),
    kubernetesFetch: inProcessTextFetch(handle),
    ledgerFor: (sandbox) =>
      instrumentedLedger(options.ledger, (name, send) =>
        around(name, sandbox, async () =>
          latency.around({ ...home, call: name }, () => {
            failLedgerCall(faults, home, name);
            roles.checkLedgerCall(sandbox.functionName, name);
            return sendLedgerCall(faults, home, { call: name, send });
          }),
        ),
      ),
    instruments: (functionName) => (onLine ? captured(functionName, busName, onLine) : silent),
    inSandbox: (sandbox, work) => running.run(sandbox, work),
  };
}

/** Nobody else answers at istiod's address. */
function served(istiodUrl: string, { controlPlanes }: PlatformOptions): readonly string[] {
  const { hostname } = new URL(istiodUrl);
  for (const plane of controlPlanes()) {
    const chain = plane.servingChain(hostname);
    if (chain && chain.length > 0) return chain;
  }
  throw new AutopilotError("control-plane-unreachable", `TLS handshake with ${istiodUrl}: no answer`);
}

/** Powertools' instruments whose lines go to the lab instead of the process's output. */
function captured(
  functionName: string,
  deployment: string,
  onLine: NonNullable<PlatformOptions["onLine"]>,
): Instruments {
  const instruments = createInstruments(functionName, deployment);
  const take = (line: unknown) => onLine(functionName, String(line));
  const sink = { debug: take, info: take, log: take, warn: take, error: take, trace: take };
  // Powertools has no option for where its lines go: both keep a console of their own in this member.
  Reflect.set(instruments.logger, "console", sink);
  Reflect.set(instruments.metrics, "console", sink);
  return instruments;
}

/** What makes lines, and what keeps things for them. */
const LOGGING = ["debug", "info", "warn", "error", "appendKeys", "addContext", "resetKeys", "clearBuffer"] as const;
const MEASURING = ["addDimensions", "addMetric", "publishStoredMetrics"] as const;

/** The instruments without effect: even a silent logger of Powertools reads the environment at every line. */
function silenced(instruments: Instruments): Instruments {
  const nothing = () => undefined;
  for (const name of LOGGING) Reflect.set(instruments.logger, name, nothing);
  Reflect.set(instruments.logger, "refreshSampleRateCalculation", nothing);
  for (const name of MEASURING) Reflect.set(instruments.metrics, name, nothing);
  return instruments;
}
