import type { EcsEnvironment } from "./environment.ts";
import { clientException } from "./errors.ts";
import type { EcsScope } from "./model.ts";

/** How long a registration keeps its family to itself. */
const TAKES_MS = { min: 30, max: 250 };

/**
 * Registrations that take time. ECS numbers the revisions of a family one by one, and refuses another registration
 * while it does: clients that register in parallel report it for about one call in ten.
 */
export class RegistrationsUnderWay {
  readonly #environment: Pick<EcsEnvironment, "clock" | "random" | "latency">;
  readonly #families = new WeakMap<EcsScope, Set<string>>();

  constructor(environment: Pick<EcsEnvironment, "clock" | "random" | "latency">) {
    this.#environment = environment;
  }

  /**
   * Registers while nobody else does in this family. Takes time only where calls do.
   * @throws AwsError `ClientException` while another registration of the family is under way
   */
  async alone<T>(scope: EcsScope, family: string, register: () => T): Promise<T> {
    const { clock, random, latency } = this.#environment;
    if (!latency.isOn) return register();
    const busy = this.#families.get(scope) ?? new Set();
    this.#families.set(scope, busy);
    if (busy.has(family)) {
      throw clientException("Too many concurrent attempts to create a new revision of the specified family.");
    }
    busy.add(family);
    try {
      await clock.sleep(TAKES_MS.min + random() * (TAKES_MS.max - TAKES_MS.min));
      return register();
    } finally {
      busy.delete(family);
    }
  }
}
