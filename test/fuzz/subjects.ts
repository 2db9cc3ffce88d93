import { answerSubjects } from "./subjects/answers.ts";
import { configurationSubjects } from "./subjects/configuration.ts";
import { eventSubjects } from "./subjects/events.ts";
import { labSubjects } from "./subjects/labs.ts";
import { ledgerSubjects } from "./subjects/ledger.ts";
import { serviceSubjects } from "./subjects/services.ts";
import type { Subject } from "./subjects/subject.ts";
import { trustSubjects } from "./subjects/trust.ts";

/** Everything that takes what others send, the cheapest first. */
export const subjects: readonly Subject[] = [
  ...eventSubjects,
  ...trustSubjects,
  ...answerSubjects,
  ...configurationSubjects,
  ...ledgerSubjects,
  ...serviceSubjects,
  ...labSubjects,
];
