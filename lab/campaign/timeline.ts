import { isJsonObject, type JsonObject } from "../../shared/base/json.ts";
import { textAt } from "../../shared/base/json-fields.ts";
import { eventSources } from "../../shared/base/vocabulary.ts";
import type { Lab } from "../autopilot/lab.ts";
import type { Line, Run } from "./run.ts";

/** All that happened in a run that kept its records, in words, a line each: people, faults, rolls, rollouts, events. */
export function timelineOf({ timeline, lab }: Run): readonly string[] {
  const lines = [...timeline, ...executions(lab), ...told(lab), ...deadLetters(lab), ...complaints(lab)];
  return lines.sort((a, b) => a.atMs - b.atMs).map(({ atMs, text }) => `${clockTime(atMs)}  ${text}`);
}

function clockTime(atMs: number): string {
  return new Date(atMs).toISOString().slice(5, 19).replace("T", " ");
}

function executions(lab: Lab): readonly Line[] {
  return [lab.rollServiceArn, lab.rollFleetArn].flatMap((stateMachineArn) =>
    lab.stepFunctions.listExecutions({ stateMachineArn }).flatMap(({ name, startDate, stopDate, ...ended }) => {
      const { status, output, error = "" } = ended;
      const what = stateMachineArn === lab.rollFleetArn ? "  rollout" : "    roll";
      const start = { atMs: startDate.getTime(), text: `${what} ${name} starts` };
      if (!stopDate) return [start];
      return [start, { atMs: stopDate.getTime(), text: `${what} ${name} ends: ${status} ${output ?? error}` }];
    }),
  );
}

/** The autopilot's own events. */
function told(lab: Lab): readonly Line[] {
  return lab.eventBridge.log().flatMap(({ event, atMs }) => {
    if (event.source !== eventSources.autopilot) return [];
    return [{ atMs, text: `    event ${event["detail-type"]}: ${shortened(event.detail)}` }];
  });
}

function shortened(detail: JsonObject): string {
  const { serviceArn, clusterArn: _, account: __, region: ___, version: ____, ...rest } = detail;
  const who = typeof serviceArn === "string" ? `${serviceArn.split("/").at(-1)} ` : "";
  return `${who}${JSON.stringify(rest)}`.slice(0, 300);
}

function deadLetters(lab: Lab): readonly Line[] {
  return lab.lambda.deadLetters.map(({ at, functionName, error, message }) => ({
    atMs: Date.parse(at),
    text: `  dead letter of ${functionName}: ${error}: ${message}`,
  }));
}

/** Warnings and errors of the functions. */
function complaints(lab: Lab): readonly Line[] {
  return lab.logs.flatMap(({ functionName, line, atMs }) => {
    if (!/"level":"(WARN|ERROR)"/.test(line)) return [];
    const parsed: unknown = JSON.parse(line);
    const { message } = isJsonObject(parsed) ? { message: textAt(parsed, "message") } : { message: line };
    // A rule says it once, its strikes need no line each.
    if (message === undefined || message.includes("by a fault rule")) return [];
    return [{ atMs, text: `      ${functionName}: ${message}` }];
  });
}
