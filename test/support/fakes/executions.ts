import type { JsonObject } from "../../../shared/base/json.ts";
import type { ExecutionCalls, ExecutionStatus } from "../../../shared/ports/ports.ts";

/** Step Functions with one state machine: names are taken for good, and a token is good once. */
export class FakeExecutions implements ExecutionCalls {
  readonly started: { readonly name: string; readonly input: JsonObject }[] = [];
  readonly statuses = new Map<string, ExecutionStatus>();
  readonly delivered: { readonly taskToken: string; readonly output: JsonObject }[] = [];
  /** The tokens that are waited for, each with the execution that waits. */
  readonly #waiting = new Map<string, string | undefined>();

  async startExecution({ name, input }: Parameters<ExecutionCalls["startExecution"]>[0]) {
    const status = this.statuses.get(name);
    if (status === undefined) {
      this.statuses.set(name, "RUNNING");
      this.started.push({ name, input });
      return { started: true as const };
    }
    const same = this.started.some((one) => one.name === name && JSON.stringify(one.input) === JSON.stringify(input));
    return status === "RUNNING" && same ? { started: true as const } : { started: false as const, status };
  }

  async describeExecution(name: string) {
    return this.statuses.get(name);
  }

  async sendTaskSuccess(taskToken: string, output: JsonObject) {
    if (!this.#waiting.delete(taskToken)) return false;
    this.delivered.push({ taskToken, output });
    return true;
  }

  /** A task waits for this token from now on, until it comes or its execution ends. */
  wait(taskToken: string, executionName?: string): void {
    this.#waiting.set(taskToken, executionName);
  }

  end(name: string, status: ExecutionStatus = "ABORTED"): void {
    this.statuses.set(name, status);
    for (const [token, waiting] of this.#waiting) if (waiting === name) this.#waiting.delete(token);
  }

  running(): readonly string[] {
    return [...this.statuses].flatMap(([name, status]) => (status === "RUNNING" ? [name] : []));
  }
}
