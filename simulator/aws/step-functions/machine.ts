import type { Template } from "./expressions.ts";
import type { Retrier, TaskText } from "./schema.ts";

/** Where a state leads to: without `next` its scope ends. */
export interface Exit {
  readonly output: Template | undefined;
  readonly assign: Template | undefined;
  readonly next: string | undefined;
}
export interface Catcher extends Exit {
  readonly errorEquals: readonly string[];
}
export interface ChoiceRule extends Exit {
  readonly condition: Template;
}
/** What follows a state's work: on success its exit, on failure a try more or a catcher. */
export interface Handlers {
  readonly retriers: readonly Retrier[];
  readonly catchers: readonly Catcher[];
  readonly exit: Exit;
}
export interface TaskState extends Handlers {
  readonly type: "Task";
  readonly name: string;
  readonly resource: TaskText["Resource"];
  readonly arguments: Template;
  readonly timeoutSeconds: Template | undefined;
  readonly heartbeatSeconds: Template | undefined;
}
export interface MapState extends Handlers {
  readonly type: "Map";
  readonly name: string;
  readonly label: string;
  readonly distributed: boolean;
  readonly items: Template | undefined;
  readonly itemSelector: Template | undefined;
  readonly maxConcurrency: Template | undefined;
  readonly toleratedFailurePercentage: Template | undefined;
  readonly toleratedFailureCount: Template | undefined;
  readonly processor: StateGraph;
}
export type State =
  | TaskState
  | MapState
  | { readonly type: "Pass" | "Succeed"; readonly name: string; readonly exit: Exit }
  | { readonly type: "Choice"; readonly name: string; readonly rules: readonly ChoiceRule[]; readonly exit: Exit }
  | {
      readonly type: "Wait";
      readonly name: string;
      readonly seconds: Template | undefined;
      readonly timestamp: Template | undefined;
      readonly exit: Exit;
    }
  | {
      readonly type: "Fail";
      readonly name: string;
      readonly error: Template | undefined;
      readonly cause: Template | undefined;
    };

/** The states of a machine or of a Map's iterations. */
export interface StateGraph {
  readonly start: State;
  readonly states: ReadonlyMap<string, State>;
}
export interface Machine extends StateGraph {
  readonly timeoutSeconds: number | undefined;
}
