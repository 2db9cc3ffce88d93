import type { LoggedEvent } from "../aws/event-bridge/event-bridge.ts";
import type { Lab } from "../lab.ts";

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
  Plan: "plan: take the lease, look again, decide",
  Apply: "apply: secret version, revision, UpdateService",
  AwaitDeployment: "wait for the deployment",
  Verify: "verify: ztunnel healthy, WorkloadEntry there",
  Revert: "revert to the pinned last good revision",
  AwaitRevert: "wait for the way back",
};

/** Tells what happens in the lab as a timeline in lab time: AWS events, steps of rolls, Slack messages. */
export class Narrator {
  readonly #lab: () => Lab;
  readonly #output: Output;
  readonly #steps: { readonly atMs: number; readonly text: string }[] = [];
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

  /** Notes a step of a roll. */
  step(executionArn: string, stateName: string, atMs: number): void {
    const words = stepWords[stateName];
    const service = executionArn
      .split(":")
      .at(-1)
      ?.replace(/-[0-9a-z]+-[0-9a-f]{32}$/, "");
    if (words) this.#steps.push({ atMs, text: `${service}: ${words}` });
  }

  line(text: string): void {
    this.#output.write(text);
  }

  /** Writes what has happened since the last time, in order. */
  flush(): void {
    const { color } = this.#output;
    const log = this.#lab().eventBridge.log();
    const events = log.slice(this.#seenEvents).flatMap((entry) => this.#eventLine(entry));
    this.#seenEvents = log.length;
    const messages = this.#lab().slack.messages();
    const told = messages.slice(this.#seenMessages).map(({ ts, text }) => ({
      atMs: Number(ts) * 1000,
      text: `${styled("Slack", "cyan", color)}  ${text.split("\n")[0]}`,
    }));
    this.#seenMessages = messages.length;
    const steps = this.#steps
      .splice(0)
      .map(({ atMs, text }) => ({ atMs, text: `${styled("roll", "bold", color)}   ${text}` }));
    for (const { atMs, text } of [...events, ...steps, ...told].sort((a, b) => a.atMs - b.atMs)) {
      this.#output.write(`  ${styled(elapsed(atMs - this.#startMs), "dim", color)}  ${text}`);
    }
  }

  #eventLine({ event, atMs, busArn, notes }: LoggedEvent): { atMs: number; text: string }[] {
    const text = busArn.endsWith("/default") ? wordsFor(event) : undefined;
    if (!text) return [];
    const lost = notes.length > 0 ? styled(`  (${notes.join(", ")})`, "yellow", this.#output.color) : "";
    return [{ atMs, text: `${styled("event", "dim", this.#output.color)}  ${text}${lost}` }];
  }
}

function wordsFor(event: LoggedEvent["event"]): string | undefined {
  const service = event.resources[0]?.split("/").at(-1) ?? "";
  switch (event["detail-type"]) {
    case "Tag Change on Resource":
      return event.resources[0]?.includes(":service/") ? `${service}: tags changed` : undefined;
    case "ECS Deployment State Change": {
      const name = String(event.detail.eventName).replace("SERVICE_DEPLOYMENT_", "").toLowerCase().replace("_", " ");
      return `${service}: deployment ${name}`;
    }
    default:
      return undefined;
  }
}

/** Minutes and seconds as `mm:ss`, or hours before them. */
export function elapsed(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const two = (value: number) => String(value).padStart(2, "0");
  const minutes = `${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
  return seconds < 3600 ? `   ${minutes}` : `${two(Math.floor(seconds / 3600))}:${minutes}`;
}
