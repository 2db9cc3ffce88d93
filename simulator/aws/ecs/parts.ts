import type { EcsEnvironment } from "./environment.ts";
import type { EcsEvents } from "./events.ts";
import type { ServiceScheduler } from "./scheduler.ts";
import type { EcsStore } from "./store.ts";

/** What the operations share. */
export interface EcsParts {
  readonly environment: EcsEnvironment;
  readonly store: EcsStore;
  readonly events: EcsEvents;
  readonly scheduler: ServiceScheduler;
}
