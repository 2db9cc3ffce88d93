import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { join, resolve } from "node:path";

/** The project's folder. */
export const root = resolve(import.meta.dirname, "../..");
/** SST's components, which `sst install` unpacks from the CLI and npm completes. */
export const platformDirectory = join(root, ".sst/platform");

/**
 * The environment in which SST works with the npm registry alone: it loads no engine and no other package manager, asks
 * nobody for a newer version, and writes nothing outside of the project.
 */
export function sstEnvironment(extra: Readonly<Record<string, string>> = {}): NodeJS.ProcessEnv {
  const configDirectory = join(root, ".sst/home");
  mkdirSync(configDirectory, { recursive: true });
  return {
    ...process.env,
    XDG_CONFIG_HOME: configDirectory,
    SST_SKIP_DEPENDENCY_CHECK: "1",
    SST_NO_BUN: "1",
    SST_TELEMETRY_DISABLED: "1",
    DO_NOT_TRACK: "1",
    npm_config_audit: "false",
    npm_config_fund: "false",
    npm_config_update_notifier: "false",
    ...extra,
  };
}

/** Installs SST's components unless those of the installed CLI's version are there. Throws when that fails. */
export function ensurePlatform(): void {
  const wanted = installedVersion();
  if (isComplete(wanted)) return;
  alone(() => {
    if (!isComplete(wanted)) install(wanted);
  });
}

function install(wanted: string): void {
  console.error(`installing the components of SST ${wanted}, which takes about a minute`);
  execFileSync(process.execPath, [join(root, "node_modules/sst/bin/sst.mjs"), "install", "--stage", "offline"], {
    cwd: root,
    // Otherwise every run leaves a log in the folder for temporary files.
    env: sstEnvironment({ SST_LOG: join(root, ".sst/home/sst.log") }),
    stdio: ["ignore", "ignore", "inherit"],
  });
  if (!isComplete(wanted)) throw new Error(`sst install has left no components of ${wanted} in ${platformDirectory}`);
}

const POLL_MS = 500;
const STALE_MS = 10 * 60_000;

/** Tests run in several processes, and two installations at a time would spoil each other. */
function alone(work: () => void): void {
  const lock = join(root, ".sst/installing");
  mkdirSync(join(root, ".sst"), { recursive: true });
  while (!taken(lock)) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, POLL_MS);
  try {
    work();
  } finally {
    rmSync(lock, { recursive: true, force: true });
  }
}

function taken(lock: string): boolean {
  try {
    mkdirSync(lock);
    return true;
  } catch {
    const since = statSync(lock, { throwIfNoEntry: false })?.mtimeMs ?? Date.now();
    // Whoever held it that long has been ended.
    if (Date.now() - since > STALE_MS) rmSync(lock, { recursive: true, force: true });
    return false;
  }
}

function installedVersion(): string {
  const manifest: unknown = JSON.parse(readFileSync(join(root, "node_modules/sst/package.json"), "utf8"));
  if (typeof manifest === "object" && manifest && "version" in manifest) return String(manifest.version);
  throw new Error("node_modules/sst has no version: run npm ci");
}

/** The types are written last but for the lock, so that an installation that was cut short lacks one of them. */
function isComplete(version: string): boolean {
  const versionFile = join(platformDirectory, "version");
  if (!existsSync(versionFile) || readFileSync(versionFile, "utf8").trim() !== version) return false;
  return [
    join(platformDirectory, "config.d.ts"),
    join(platformDirectory, "node_modules/@pulumi/aws/package.json"),
    join(root, ".sst/provider-lock.json"),
  ].every((file) => existsSync(file));
}
