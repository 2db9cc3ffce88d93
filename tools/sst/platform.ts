import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { join, resolve } from "node:path";

/** The project's folder. */
export const root = resolve(import.meta.dirname, "../..");
/** The directory of SST's components. `sst install` unpacks them from the CLI, and npm installs their packages. */
export const platformDirectory = join(root, ".sst/platform");

/**
 * The environment in which SST needs only the npm registry: it downloads no engine and no other package manager, checks
 * for no newer version, and writes nothing outside of the project.
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

/** Installs SST's components unless they are installed in the CLI's version. Throws when the installation fails. */
export function ensurePlatform(): void {
  const wanted = installedVersion();
  if (isComplete(wanted)) return;
  withLock(() => {
    if (!isComplete(wanted)) install(wanted);
  });
}

function install(wanted: string): void {
  console.error(`installing the components of SST ${wanted}, which takes about a minute`);
  execFileSync(process.execPath, [join(root, "node_modules/sst/bin/sst.mjs"), "install", "--stage", "offline"], {
    cwd: root,
    // By default every run leaves a log in the system's temporary directory.
    env: sstEnvironment({ SST_LOG: join(root, ".sst/home/sst.log") }),
    stdio: ["ignore", "ignore", "inherit"],
  });
  if (!isComplete(wanted))
    throw new Error(`sst install did not install the components of ${wanted} in ${platformDirectory}`);
}

const POLL_MS = 500;
const STALE_MS = 10 * 60_000;

/**
 * Runs the work while no other process does. Tests run in several processes, which must not install at the same time.
 */
function withLock(work: () => void): void {
  const lock = join(root, ".sst/installing");
  mkdirSync(join(root, ".sst"), { recursive: true });
  while (!acquire(lock)) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, POLL_MS);
  try {
    work();
  } finally {
    rmSync(lock, { recursive: true, force: true });
  }
}

function acquire(lock: string): boolean {
  try {
    mkdirSync(lock);
    return true;
  } catch {
    const since = statSync(lock, { throwIfNoEntry: false })?.mtimeMs ?? Date.now();
    // A process that held the lock for this long has crashed.
    if (Date.now() - since > STALE_MS) rmSync(lock, { recursive: true, force: true });
    return false;
  }
}

function installedVersion(): string {
  const manifest: unknown = JSON.parse(readFileSync(join(root, "node_modules/sst/package.json"), "utf8"));
  if (typeof manifest === "object" && manifest && "version" in manifest) return String(manifest.version);
  throw new Error("node_modules/sst has no version: run npm ci");
}

/**
 * True if all files are there. An interrupted installation lacks one, because the types and the lock are written last.
 */
function isComplete(version: string): boolean {
  const versionFile = join(platformDirectory, "version");
  if (!existsSync(versionFile) || readFileSync(versionFile, "utf8").trim() !== version) return false;
  return [
    join(platformDirectory, "config.d.ts"),
    join(platformDirectory, "node_modules/@pulumi/aws/package.json"),
    join(root, ".sst/provider-lock.json"),
  ].every((file) => existsSync(file));
}
