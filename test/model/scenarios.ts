import { deathScenarios } from "./death-scenarios.ts";
import type { ExploredScenario } from "./explorer.ts";
import { exploredScenario } from "./explorer.ts";
import { fleetScenarios } from "./fleet-scenarios.ts";
import { parkedScenarios } from "./parked-scenarios.ts";
import { rollScenarios } from "./roll-scenarios.ts";

/** Every scenario of every protocol. */
export const scenarios: readonly ExploredScenario[] = [
  ...[...fleetScenarios, ...parkedScenarios, ...deathScenarios].map(exploredScenario),
  ...rollScenarios.map(exploredScenario),
];
