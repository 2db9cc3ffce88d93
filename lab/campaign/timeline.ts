import { isJsonObject, type JsonObject } from "../../shared/base/json.ts";
import { textAt } from "../../shared/base/json-fields.ts";
import { eventSources } from "../../shared/base/vocabulary.ts";
import type { Lab } from "../autopilot/lab.ts";
import type { Run, TimelineEntry } from "./run.ts";

/** The timeline of a run that kept its records, one line per action, fault, roll, rollout, event and logged problem. */
export function timelineOf({ timeline, lab }: Run): readonly string[] {
  const lines = [...timeline, ...executions(lab), ...emittedEvents(lab), ...deadLetters(lab), ...logProblems(lab)];
  return lines.sort((a, b) => a.atMs - b.atMs).map(({ atMs, text }) => `${clockTime(atMs)}  ${text}`);
}

function clockTime(atMs: number): string {
  return new Date(atMs).toISOString().slice(5, 19).replace("T", " ");
}

function executions(lab: Lab): readonly TimelineEntry[] {
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

/** The events that the autopilot emitted. */
function emittedEvents(lab: Lab): readonly TimelineEntry[] {
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

function deadLetters(lab: Lab): readonly TimelineEntry[] {
  return lab.lambda.deadLetters.map(({ at, functionName, error, message }) => ({
    atMs: Date.parse(at),
    text: `  dead letter of ${functionName}: ${error}: ${message}`,
  }));
}

/** Warnings and errors that functions logged. */
function logProblems(lab: Lab): readonly TimelineEntry[] {
  return lab.logs.flatMap(({ functionName, line, atMs }) => {
    if (!/"level":"(WARN|ERROR)"/.test(line)) return [];
    const parsed: unknown = JSON.parse(line);
    const { message } = isJsonObject(parsed) ? { message: textAt(parsed, "message") } : { message: line };
    // The timeline names the fault rule once, so its strikes need no lines.
    if (message === undefined || message.includes("by a fault rule")) return [];
    return [{ atMs, text: `      ${functionName}: ${message}` }];
  });
}
