import type { CliContext } from "../../cli/runtime/context.ts";

/** A context without a process. It keeps what was written, and a pause advances its clock. */
export interface TestContext extends CliContext {
  readonly written: { out: string; err: string };
}

export function testContext(
  options: Partial<CliContext> & { readonly tty?: boolean; readonly columns?: number; readonly rows?: number } = {},
): TestContext {
  const { tty = false, columns = 100, rows = 40, ...others } = options;
  const written = { out: "", err: "" };
  let nowMs = Date.parse("2026-03-02T12:00:00Z");
  const screen = (name: "out" | "err") => ({
    write: (text: string) => {
      written[name] += text;
    },
    isTTY: tty,
    columns,
    rows,
  });
  return {
    environment: {},
    directory: process.cwd(),
    out: screen("out"),
    err: screen("err"),
    ask: async () => undefined,
    now: () => nowMs,
    pause: async (ms) => {
      nowMs += ms;
    },
    interruption: () => new AbortController().signal,
    ...others,
    written,
  };
}
