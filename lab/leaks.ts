import { isJsonObject } from "../shared/base/json.ts";
import type { LabDriver } from "./story/lab-driver.ts";

/** A text that the product wrote, and its place. */
export interface Written {
  readonly where: string;
  readonly text: string;
}

/** Everything that the product wrote to places that must not contain secrets. */
export async function everythingWritten(driver: LabDriver): Promise<readonly Written[]> {
  const { lab } = driver;
  const written: Written[] = [];
  const add = (where: string, value: unknown) => written.push({ where, text: JSON.stringify(value) });
  for (const { functionName, line } of lab.logs) written.push({ where: `log of ${functionName}`, text: line });
  for (const stateMachineArn of [lab.rollServiceArn, lab.rollFleetArn]) {
    for (const execution of lab.stepFunctions.listExecutions({ stateMachineArn })) {
      add(`execution ${execution.name}`, execution);
      add(`history of ${execution.name}`, lab.stepFunctions.getExecutionHistory(execution.executionArn));
    }
  }
  for (const { event } of lab.eventBridge.log()) add(`event ${event["detail-type"]}`, event);
  for (const message of lab.slack.messages()) add("Slack message", message);
  for (const letter of lab.lambda.deadLetters) add(`dead letter of ${letter.functionName}`, letter);
  for await (const state of lab.ledger.listServices()) add(`ledger item of ${state.serviceArn}`, state);
  for await (const rollout of lab.ledger.listRollouts()) add(`ledger item of ${rollout.id}`, rollout);
  for await (const rollout of lab.ledger.listRollouts()) {
    add(`ledger item of ${rollout.id}`, rollout);
    for await (const one of lab.ledger.listRolloutServices(rollout.id)) add(`ledger item of ${one.serviceArn}`, one);
  }
  return written;
}

/** The values of all versions of all secrets, with the secrets' names. */
export async function secretValues(
  driver: LabDriver,
): Promise<readonly { readonly name: string; readonly value: string }[]> {
  const values = [];
  for (const secret of driver.lab.secrets.state()) {
    const { VersionIdsToStages, ARN, Account, Region, Name } = secret;
    for (const VersionId of isJsonObject(VersionIdsToStages) ? Object.keys(VersionIdsToStages) : []) {
      const at = { account: String(Account), region: String(Region) };
      const input = { SecretId: ARN ?? "", VersionId };
      const { SecretString } = await driver.lab.call(at, "GetSecretValue", input, "secretsmanager");
      values.push({ name: String(Name), value: String(SecretString) });
    }
  }
  return values;
}

/** The bootstrap token in every form in which it could have been written. */
export function formsOf(encoded: string): readonly string[] {
  const inner = Buffer.from(encoded, "base64").toString("utf8");
  return [encoded, inner, Buffer.from(inner, "base64").toString("utf8")];
}

const PIECE = 60;

/**
 * Places that contain one of the secrets, or 60 characters from its beginning, middle or end. Finds them in nested JSON
 * of any depth, too.
 */
export function leaks(written: readonly Written[], secrets: readonly string[]): readonly string[] {
  const pieces = [...new Set(secrets.flatMap((secret) => piecesOf(plain(secret))))];
  return written.flatMap(({ where, text }) => {
    const searched = plain(text);
    return pieces.filter((piece) => searched.includes(piece)).map((piece) => `${where}: ${piece.slice(0, 12)}…`);
  });
}

function piecesOf(text: string): readonly string[] {
  if (text.length <= PIECE) return [text];
  const middle = Math.floor((text.length - PIECE) / 2);
  return [text.slice(0, PIECE), text.slice(middle, middle + PIECE), text.slice(-PIECE)];
}

/** The text without JSON's escape characters, of any depth. */
function plain(text: string): string {
  return text.replaceAll("\\", "");
}
