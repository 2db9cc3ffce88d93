/**
 * The door to ztunnel on ECS: its container, its token, its proof and its names. A function's bundle holds only what it
 * uses of them, since package.json says that no module has side effects.
 */
export {
  hasForeignDeny,
  isReader,
  isReaderOf,
  readersIn,
  withReaders,
} from "./bootstrap-token/secret-policy.ts";
export {
  hasRoomForVersion,
  labelOf,
  parseValueFrom,
  pinnedValueFrom,
  retirableVersions,
  secretName,
  secretTags,
  stagePrefixOf,
  type TokenScope,
  tokenScopeOf,
  versionIdOf,
} from "./bootstrap-token/secret-version.ts";
export { type BootstrapToken, decodeToken, encodeToken } from "./bootstrap-token/token.ts";
export { hasMark, type Mark, marks } from "./proof/entries.ts";
export { type UnknownShape, unknownShape } from "./proof/shape.ts";
export { type Lack, type Unverified, type Verification, verifyTasks } from "./proof/verify.ts";
export { driftOf } from "./task-definition/drift.ts";
export { headroom } from "./task-definition/headroom.ts";
export { type Inject, type Injection, inject } from "./task-definition/inject.ts";
export { type ApplicationPort, applicationPorts, portCollisions } from "./task-definition/ports.ts";
export { proxiesOutbound, proxyProblemsIn, sidecarIn } from "./task-definition/reconcile-sidecar.ts";
export { remove } from "./task-definition/remove.ts";
export { findSidecar, type Sidecar, type SidecarSpec } from "./task-definition/sidecar.ts";
export { sidecarSettings } from "./task-definition/sidecar-settings.ts";
