import { describe, expect, it } from "vitest";
import { atSlacksPace, SlackUnavailable } from "../../../shared/slack/calls.ts";

/** A call that Slack refuses the given number of times, with this Retry-After. Returns its answer and the waits. */
function limited(times: number, retryAfterSeconds: number | undefined) {
  const waits: number[] = [];
  let calls = 0;
  const answer = atSlacksPace(
    async (ms) => void waits.push(ms),
    async () => {
      calls += 1;
      if (calls <= times) throw new SlackUnavailable("rate limited", { retryAfterSeconds });
      return "answer";
    },
  );
  return { answer, waits };
}

describe("a call at Slack's pace", () => {
  it("is made again after as long as Slack asks for", async () => {
    const { answer, waits } = limited(2, 3);
    expect(await answer).toBe("answer");
    expect(waits).toEqual([3000, 3000]);
  });

  it("outlasts a burst of messages: up to 30 seconds", async () => {
    expect(await limited(30, 1).answer).toBe("answer");
    await expect(limited(31, 1).answer).rejects.toThrow("rate limited");
  });

  it("is not waited for when Slack asks for long, or for nothing", async () => {
    const { answer, waits } = limited(1, 6);
    await expect(answer).rejects.toThrow("rate limited");
    expect(waits).toEqual([]);
    await expect(limited(1, undefined).answer).rejects.toThrow("rate limited");
  });
});
