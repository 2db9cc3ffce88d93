import type { Command } from "./command.ts";
import { cost } from "./commands/cost.ts";
import { inject } from "./commands/inject.ts";
import { policy } from "./commands/policy.ts";
import { rbac } from "./commands/rbac.ts";
import { rolloutControls } from "./commands/rollout-control.ts";
import { rolloutList } from "./commands/rollout-list.ts";
import { rolloutRequest } from "./commands/rollout-request.ts";
import { rolloutStatus } from "./commands/rollout-status.ts";
import { status } from "./commands/status.ts";
import { unenroll } from "./commands/unenroll.ts";

/** Every command, in the order of the help. */
export const commands: readonly Command[] = [
  status,
  rolloutList,
  rolloutStatus,
  rolloutRequest,
  ...rolloutControls,
  unenroll,
  inject,
  rbac,
  policy,
  cost,
];
