import type { LoggedEvent } from "@ztunnel-autopilot/simulator";
import { autopilotDetailTypes, awsDetailTypes, operatorDetailTypes } from "../../shared/base/vocabulary.ts";
import type { Lab } from "../autopilot/lab.ts";

/** Where the narrator writes, and whether it may use color. */
export interface Output {
  readonly write: (line: string) => void;
  readonly color: boolean;
}

const styles = { dim: "2", bold: "1", green: "32", red: "31", yellow: "33", cyan: "36" } as const;

/** The text in a style, where the output has color. */
export function styled(text: string, style: keyof typeof styles, color: boolean): string {
  return color ? `\u001b[${styles[style]}m${text}\u001b[0m` : text;
}

const stepWords: Readonly<Record<string, string>> = {
  Plan: "plan: take the lease, read the service again, decide",
  Apply: "apply: secret version, revision, UpdateService",
  AwaitDeployment: "wait for the deployment",
  Verify: "verify: ztunnel healthy, WorkloadEntry present",
  Revert: "revert to the pinned last good revision",
  AwaitRevert: "wait for the revert's deployment",
};

/** Prints what happens in the lab as a timeline in lab time: AWS events, steps of rolls, Slack messages. */
export class Narrator {
  readonly #lab: () => Lab;
  readonly #output: Output;
  readonly #steps: { readonly atMs: number; readonly text: string }[] = [];
  /** Print rollouts, and not the rolls of single services. */
  quiet = false;
  #seenEvents = 0;
  #seenMessages = 0;
  #startMs = 0;

  constructor(lab: () => Lab, output: Output) {
    this.#lab = lab;
    this.#output = output;
  }

  start(nowMs: number): void {
    this.#startMs = nowMs;
  }

  /** Remembers a step of a roll for the next flush. */
  step(executionArn: string, stateName: string, atMs: number): void {
    const words = stepWords[stateName];
    const service = executionArn
      .split(":")
      .at(-1)
      ?.replace(/-[0-9a-z]+-[0-9a-f]{32}$/, "");
    if (words && !this.quiet) this.#steps.push({ atMs, text: `${service}: ${words}` });
  }

  line(text: string): void {
    this.#output.write(text);
  }

  /** Prints what has happened since the last flush, sorted by time. */
  flush(): void {
    const { color } = this.#output;
    const log = this.#lab().eventBridge.log();
    const events = log.slice(this.#seenEvents).flatMap((entry) => this.#eventLine(entry));
    this.#seenEvents = log.length;
    const messages = this.#lab().slack.messages();
    const slackLines = messages.slice(this.#seenMessages).map(({ ts, text }) => ({
      atMs: Number(ts) * 1000,
      text: `${styled("Slack", "cyan", color)}  ${text.split("\n")[0]}`,
    }));
    this.#seenMessages = messages.length;
    const steps = this.#steps
      .splice(0)
      .map(({ atMs, text }) => ({ atMs, text: `${styled("roll", "bold", color)}   ${text}` }));
    for (const { atMs, text } of [...events, ...steps, ...slackLines].sort((a, b) => a.atMs - b.atMs)) {
      this.#output.write(`  ${styled(elapsed(atMs - this.#startMs), "dim", color)}  ${text}`);
    }
  }

  #eventLine({ event, atMs, busArn, notes }: LoggedEvent): { atMs: number; text: string }[] {
    const rollout = busArn.endsWith("/default") ? undefined : rolloutWords(event);
    if (rollout) return [{ atMs, text: `${styled("wave", "bold", this.#output.color)}   ${rollout}` }];
    const text = busArn.endsWith("/default") && !this.quiet ? wordsFor(event) : undefined;
    if (!text) return [];
    const lost = notes.length > 0 ? styled(`  (${notes.join(", ")})`, "yellow", this.#output.color) : "";
    return [{ atMs, text: `${styled("event", "dim", this.#output.color)}  ${text}${lost}` }];
  }
}

const ownOrOperators = [...autopilotDetailTypes, ...Object.values(operatorDetailTypes)];

function rolloutWords({ "detail-type": detailType, detail }: LoggedEvent["event"]): string | undefined {
  const text = (name: string) => String(detail[name]);
  const id = text("rolloutId");
  const counted = (name: string, noun: string) => `${text(name)} ${noun}${detail[name] === 1 ? "" : "s"}`;
  switch (ownOrOperators.find((one) => one === detailType)) {
    case "Rollout Requested":
      return `${text("requestedBy")} requests: ${text("kind")}`;
    case "Rollout Control":
      return `${text("requestedBy")} asks ${id} to ${text("action")}`;
    case "Rollout Started":
      return `${id}: ${counted("services", "service")} in ${counted("waves", "wave")}`;
    case "Rollout Wave Completed":
      return `${id}: ${text("number")} of ${text("waves")} done, ${text("wave")}: ${text("succeeded")} of ${text("services")} services`;
    case "Rollout Paused":
      return `${id}: on hold. ${text("detail")}`;
    case "Rollout Completed":
      return `${id}: ${text("outcome")}, ${text("succeeded")} of ${text("services")} services`;
    case "Rollout Rolled Back":
      return `${id}: rolled back, ${text("rolledBack")} services, ${text("stuck")} stuck. ${text("detail")}`;
    case "Root CA Changed":
      return `${text("controlPlane")}: the root CA bundle changed`;
    case "Root CA Retirable":
      return `${text("controlPlane")}: no task needs the old root any more`;
    default:
      return undefined;
  }
}

function wordsFor(event: LoggedEvent["event"]): string | undefined {
  const service = event.resources[0]?.split("/").at(-1) ?? "";
  switch (event["detail-type"]) {
    case awsDetailTypes.tag:
      return event.resources[0]?.includes(":service/") ? `${service}: tags changed` : undefined;
    case awsDetailTypes.deployment: {
      const name = String(event.detail.eventName).replace("SERVICE_DEPLOYMENT_", "").toLowerCase().replace("_", " ");
      return `${service}: deployment ${name}`;
    }
    default:
      return undefined;
  }
}

/** The duration as `mm:ss`, or `hh:mm:ss` from one hour on. */
export function elapsed(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const two = (value: number) => String(value).padStart(2, "0");
  const minutes = `${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
  return seconds < 3600 ? `   ${minutes}` : `${two(Math.floor(seconds / 3600))}:${minutes}`;
}
