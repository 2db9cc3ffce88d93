import { describe, expect, it } from "vitest";
import { incidents } from "../../lab/alarms/incidents.ts";
import { playIncident } from "../../lab/alarms/play.ts";
import { isAsExpected } from "../../lab/alarms/table.ts";

/** Six hours show what a day shows; `npm run alarms` plays the whole of it. */
const SHORT_MINUTES = 360;

describe("an incident", () => {
  it.each(incidents.map((incident) => [incident.name, incident] as const))(
    "%s: the alarms that are its own go off once each, and end when it is mended",
    async (_name, incident) => {
      const played = await playIncident({ ...incident, minutes: incident.minutes ?? SHORT_MINUTES });
      expect(played.rung.map(({ alarm }) => alarm).sort()).toEqual([...incident.rings].sort());
      expect(played).toSatisfy(isAsExpected);
    },
    60_000,
  );
});
