import { ServiceException } from "@smithy/core/client";
import type { AwsCredentialIdentity, AwsCredentialIdentityProvider } from "@smithy/types";
import type { Iam, Principal } from "@ztunnel-autopilot/simulator";
import { resourceEndings } from "../../shared/base/vocabulary.ts";
import { asFailure } from "../../shared/gateways/aws/errors.ts";
import { type AutopilotDeployment, arn, resourceName, roleArn } from "../../stacks/definitions/deployment.ts";
import { ledgerActions } from "./ledger-actions.ts";

/** Longer than any lab runs: Lambda renews a function's credentials by itself. */
const FOREVER_SECONDS = 100 * 365 * 24 * 3600;

interface FunctionSession {
  readonly credentials: AwsCredentialIdentity;
  readonly principal: Principal;
}

/** The functions' roles: whose credentials their calls are made with, and what they may do with the ledger's table. */
export class FunctionRoles {
  readonly #iam: Iam;
  readonly #deployment: AutopilotDeployment;
  readonly #tableArn: string;
  readonly #sessions = new Map<string, FunctionSession>();

  constructor(iam: Iam, deployment: AutopilotDeployment) {
    this.#iam = iam;
    this.#deployment = deployment;
    this.#tableArn = arn("dynamodb", deployment.home, `table/${resourceName(deployment, resourceEndings.ledger)}`);
  }

  /**
   * The credentials of the function that runs when they are asked for. Outside of a function they are those of the home
   * account's administrator.
   */
  credentialsOf(running: () => string | undefined): AwsCredentialIdentityProvider {
    const administrator = { accessKeyId: this.#deployment.home.account, secretAccessKey: "lab" };
    const provider = async () => {
      const functionName = running();
      return functionName === undefined ? administrator : this.#session(functionName).credentials;
    };
    // The SDK asks each time instead of keeping those of the first function.
    return Object.assign(provider, { memoized: true });
  }

  /**
   * Throws what the ledger's gateway makes of DynamoDB's refusal, `access-denied`, when the function's role may not do
   * what a ledger's call (`ledger.takeLease`) does to the table.
   */
  checkLedgerCall(functionName: string, call: string): void {
    const { home } = this.#deployment;
    const { principal } = this.#session(functionName);
    for (const action of ledgerActions(call)) {
      const message = this.#iam.refusal(principal, { action, resource: this.#tableArn }, home);
      if (message === undefined) continue;
      const name = "AccessDeniedException";
      throw asFailure(
        new ServiceException({ name, message, $fault: "client", $metadata: { httpStatusCode: 400 } }),
        call,
      );
    }
  }

  #session(functionName: string): FunctionSession {
    const known = this.#sessions.get(functionName);
    if (known) return known;
    const own = resourceName(this.#deployment, functionName);
    const credentials = this.#iam.openSession(roleArn(this.#deployment.home, own), own, FOREVER_SECONDS);
    const principal = this.#iam.principalOf(credentials.accessKeyId);
    if (!principal) throw new Error(`${own} has no session`);
    const session = { credentials, principal };
    this.#sessions.set(functionName, session);
    return session;
  }
}
