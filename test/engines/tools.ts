import { spawnSync } from "node:child_process";
import { stripVTControlCharacters } from "node:util";

/** A program of the host that engines need. The project installs none of them. */
interface HostTool {
  /** Its name for people, with the lowest version that will do. */
  readonly title: string;
  readonly command: string;
  readonly versionArguments: readonly string[];
  readonly least: readonly [major: number, minor: number];
}

const hostTools = {
  python3: { title: "Python 3.10", command: "python3", versionArguments: ["--version"], least: [3, 10] },
  java: { title: "a JDK 17", command: "javac", versionArguments: ["-version"], least: [17, 0] },
  maven: { title: "Maven 3.6", command: "mvn", versionArguments: ["--batch-mode", "-version"], least: [3, 6] },
  go: { title: "Go 1.21", command: "go", versionArguments: ["version"], least: [1, 21] },
  etcd: { title: "etcd 3.4 (Debian: etcd-server)", command: "etcd", versionArguments: ["--version"], least: [3, 4] },
} as const satisfies Readonly<Record<string, HostTool>>;

export type Tool = keyof typeof hostTools;

/** Why the tool can't be used, for people: it is missing, or too old. Undefined if it can be used. */
export function lackOf(tool: Tool): string | undefined {
  const { title, command, versionArguments, least } = hostTools[tool];
  const { error, stdout, stderr } = spawnSync(command, versionArguments, { encoding: "utf8", timeout: 30_000 });
  if (error) return `${title} or newer is missing: PATH has no \`${command}\``;
  const found = stripVTControlCharacters(`${stdout}\n${stderr}`);
  return isAtLeast(found, least) ? undefined : `${title} or newer is needed; \`${command}\` is ${firstLine(found)}`;
}

/** True if the first version number in the text is as new as `least`. */
export function isAtLeast(text: string, [major, minor]: readonly [number, number]): boolean {
  const [, foundMajor, foundMinor = "0"] = /(\d+)(?:\.(\d+))?/.exec(text) ?? [];
  if (foundMajor === undefined) return false;
  return Number(foundMajor) > major || (Number(foundMajor) === major && Number(foundMinor) >= minor);
}

function firstLine(text: string): string {
  return text.trim().split("\n")[0] ?? "of an unknown version";
}
