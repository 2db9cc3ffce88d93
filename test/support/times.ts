/** When the clock of a roll's testbed begins. */
export const NOW = Date.UTC(2026, 10, 21, 4);
/** When that of a rollout's begins: noon of a Monday. */
export const NOON = Date.parse("2026-11-23T12:00:00Z");
