import { createServer } from "node:http";
import { Writable } from "node:stream";
import { describe, expect, it } from "vitest";
import { Children } from "../../engines/children.ts";
import type { Engine } from "../../engines/engine.ts";
import { withReasons } from "../../engines/listed.ts";
import { helpText, parseOptions } from "../../engines/options.ts";
import { freePort, untilServed } from "../../engines/ports.ts";
import { timedProgress } from "../../engines/progress.ts";
import { isAtLeast } from "../../engines/tools.ts";
import { writeWhole } from "../../engines/write-whole.ts";

function engineOf(name: string, inQuick: boolean): Engine {
  const never = () => Promise.reject(new Error("not to be run"));
  return { name, about: `compares ${name}`, needs: ["go"], inQuick, install: never, run: never };
}

describe("the command line", () => {
  const all = [engineOf("wire", true), engineOf("cluster", false)];
  const chosen = (...parameters: readonly string[]) => parseOptions(parameters, all).engines.map(({ name }) => name);

  it("takes all engines, the quick ones, or those that are named", () => {
    expect(chosen()).toEqual(["wire", "cluster"]);
    expect(chosen("--quick")).toEqual(["wire"]);
    expect(chosen("--only", "cluster")).toEqual(["cluster"]);
    expect(chosen("--quick", "--only", "cluster")).toEqual(["cluster"]);
  });

  it("refuses an engine that it does not have, and names those that it has", () => {
    expect(() => chosen("--only", "moon")).toThrow("There is no engine moon. There are: wire, cluster.");
    expect(() => chosen("--moon")).toThrow(/--moon/);
  });

  it("names the engine that was probably meant", () => {
    expect(() => chosen("--only", "clutser")).toThrow("There is no engine clutser. Did you mean cluster?");
  });

  it("describes every engine in its help", () => {
    expect(helpText(all)).toContain("cluster  compares cluster (needs go; not in --quick)");
  });
});

describe("the list of differences", () => {
  const list = [
    { what: "ecs.* answers `x`", reason: "a gap of the model" },
    { what: "only (in) the whole", reason: "rare", notInQuick: true },
  ];

  it("gives its reason to what it names, with any characters for *", () => {
    expect(withReasons(["ecs.ListTasks answers `x`", "ssm answers `x`"], list, { quick: true })).toEqual([
      { what: "ecs.ListTasks answers `x`", listed: "a gap of the model" },
      { what: "ssm answers `x`" },
    ]);
  });

  it("has no entry for what does not occur any more", () => {
    expect(withReasons(["only (in) the whole"], list, { quick: false })).toEqual([
      { what: "only (in) the whole", listed: "rare" },
      { what: "listed, but it does not occur any more: ecs.* answers `x`" },
    ]);
  });
});

describe("a long output", () => {
  it("is waited for until a slow reader has taken all of it", async () => {
    const pending: (() => void)[] = [];
    const slow = new Writable({ highWaterMark: 1, write: (_chunk, _encoding, taken) => void pending.push(taken) });
    let isWritten = false;
    const writing = writeWhole(slow, "x".repeat(100_000)).then(() => {
      isWritten = true;
    });
    await Promise.resolve();
    expect(isWritten).toBe(false);
    pending.shift()?.();
    await writing;
    expect(isWritten).toBe(true);
  });
});

describe("a line of progress", () => {
  it("begins with the minutes and seconds since the start", () => {
    const seen: string[] = [];
    let nowMs = 5000;
    const progress = timedProgress(
      (line) => seen.push(line),
      () => nowMs,
    );
    progress("wire: installing");
    nowMs += 754_900;
    progress("wire: installed");
    expect(seen).toEqual(["[00:00] wire: installing", "[12:34] wire: installed"]);
  });
});

describe("a version", () => {
  it.each([
    ["Python 3.11.7", [3, 10], true],
    ["Python 3.9.18", [3, 10], false],
    ["javac 17.0.15", [17, 0], true],
    ["javac 1.8.0_402", [17, 0], false],
    ["go version go1.24.1 linux/amd64", [1, 21], true],
    ["etcd Version: 3.4.23", [3, 4], true],
    ["command failed", [3, 4], false],
  ] as const)("%s is compared with %j", (text, least, enough) => {
    expect(isAtLeast(text, least)).toBe(enough);
  });
});

describe("a server of an engine", () => {
  it("listens on a port that was free, and is waited for", async () => {
    const port = await freePort();
    const server = createServer((_request, response) => response.end("up")).listen(port, "127.0.0.1");
    const never = new Promise<string>(() => undefined);
    await untilServed("the server", `http://127.0.0.1:${port}`, never);
    await new Promise((closed) => server.close(closed));
  });

  it("is not waited for once it has ended", async () => {
    const address = `http://127.0.0.1:${await freePort()}`;
    await expect(untilServed("the server", address, Promise.resolve("ended with 1"))).rejects.toThrow(
      "the server ended with 1",
    );
  });
});

describe("the programs that the suite starts", () => {
  it("give their output and get their input", async () => {
    const seen: string[] = [];
    const output = await new Children().run("sh", ["-c", 'cat; echo "$ABOUT" >&2'], {
      input: "a line\n",
      environment: { ABOUT: "another" },
      onLine: (line) => seen.push(line),
    });
    expect(output).toBe("a line\n");
    expect(seen.sort()).toEqual(["a line", "another"]);
  });

  it("fail with their last lines", async () => {
    const run = (...command: readonly string[]) => new Children().run("sh", ["-c", ...command]);
    await expect(run("echo why >&2; exit 3")).rejects.toThrow(/ended with 3\n {2}why$/);
    await expect(new Children().run("no-such-program", [])).rejects.toThrow(/can't be started/);
  });

  it("end with the suite, together with what they have started", async () => {
    const children = new Children();
    const started = Promise.withResolvers<string>();
    const service = children.start("sh", ["-c", "sleep 1000 & echo ready; wait"], { onLine: started.resolve });
    await started.promise;
    await children.close();
    // That it has ended is known once nobody holds its output any more: the sleeping program has ended, too.
    expect(await service.ended).toBe("was ended by SIGTERM");
    expect(() => children.start("sh", [])).toThrow(/the suite is ending/);
  });
});
