import { type Profiler, Session } from "node:inspector/promises";

/**
 * The source text of every function and branch of the files which `run` does not take, by V8's own coverage, each as
 * `file: text`, sorted. `run` must import what it runs afresh: V8 counts branches only in code that it compiles then.
 * https://chromedevtools.github.io/devtools-protocol/v8/Profiler/
 */
export async function branchesNotTaken(files: RegExp, run: () => Promise<unknown>): Promise<readonly string[]> {
  const session = new Session();
  session.connect();
  const sources = new Map<string, string>();
  const reads: Promise<void>[] = [];
  session.on("Debugger.scriptParsed", ({ params: { scriptId, url } }) => {
    if (!files.test(url)) return;
    const read = session.post("Debugger.getScriptSource", { scriptId });
    reads.push(read.then(({ scriptSource }) => void sources.set(scriptId, scriptSource)));
  });
  try {
    await session.post("Profiler.enable");
    await session.post("Debugger.enable");
    await session.post("Profiler.startPreciseCoverage", { callCount: true, detailed: true });
    await run();
    const { result } = await session.post("Profiler.takePreciseCoverage");
    await Promise.all(reads);
    return result
      .filter(({ url }) => files.test(url))
      .flatMap((script) => notTaken(script, sources))
      .sort();
  } finally {
    session.disconnect();
  }
}

function notTaken({ scriptId, url, functions }: Profiler.ScriptCoverage, sources: ReadonlyMap<string, string>) {
  const source = sources.get(scriptId) ?? "";
  return functions
    .flatMap(({ functionName, ranges }) =>
      ranges.map(({ count, startOffset, endOffset }, index) => ({
        count,
        // The first range is the function as a whole.
        text: index === 0 && functionName ? functionName : source.slice(startOffset, endOffset),
      })),
    )
    .filter(({ count, text }) => count === 0 && !VITE_EXPORT.test(text))
    .map(({ text }) => `${url.split("/").at(-1)}: ${text.replace(/\s+/g, " ").trim()}`);
}

/** Vite hands exports out by functions of its own: `() => { try { return name } catch {} }`. */
const VITE_EXPORT = /catch\s*\{\}/;
