/** Hands on each line behind the minutes and seconds since this was called: `[01:09] moto: …`. */
export function timedProgress(write: (line: string) => void, nowMs: () => number): (line: string) => void {
  const startedMs = nowMs();
  return (line) => {
    const seconds = Math.floor((nowMs() - startedMs) / 1000);
    const [minutes, rest] = [Math.floor(seconds / 60), seconds % 60].map((part) => String(part).padStart(2, "0"));
    write(`[${minutes}:${rest}] ${line}`);
  };
}
