/** A place in the product's code, and what stands there while the fault is planted. */
export interface Edit {
  readonly file: string;
  /** Occurs once in the file. */
  readonly find: string;
  readonly replace: string;
}

/** A fault of the product that the campaign has to find by itself. */
export interface PlantedFault {
  readonly name: string;
  /** What happens at the same time, in words. */
  readonly race: string;
  readonly edits: readonly Edit[];
  /** A seed that shows the fault while it is planted. The tests run it on the product as it is. */
  readonly seed: number;
}

/**
 * Faults that need two calls at the wrong moment. Each was in the product once, or would be there without the one
 * protection that an edit takes away.
 */
export const plantedFaults: readonly PlantedFault[] = [
  {
    name: "binding",
    race: "two rolls bind one service account",
    edits: [
      {
        file: "shared/enrollment/claims.ts",
        find: "if (owner !== undefined) return { owner };\n  const [key",
        replace: "const [key",
      },
      {
        file: "shared/gateways/kubernetes/identities.ts",
        find: "name: serviceAccount, namespace, resourceVersion, annotations };",
        replace: "name: serviceAccount, namespace, annotations };",
      },
      {
        file: "shared/gateways/kubernetes/identities.ts",
        find: "refuseOthers(what, bindings, roleArn);\n        if (bindings.length > 0) {",
        replace: "if (bindings.some((one) => sameRole(one.roleArn, roleArn))) {",
      },
    ],
    seed: 6011,
  },
  {
    name: "readers",
    race: "two rolls write the policy of one secret",
    edits: [
      {
        file: "shared/use-cases/observe/write-readers.ts",
        find: "const readers = Object.keys(claim.holders);",
        replace:
          "const readers = executionRoleArn ? [...new Set([...inPolicy, executionRoleArn])] : Object.keys(claim.holders).filter((one) => inPolicy.includes(one));",
      },
      {
        file: "shared/use-cases/roll/ensure-readers.ts",
        find: 'if ((await writeReaders(secretArn, claim, calls, reader)) === "agrees") return;',
        replace: "await writeReaders(secretArn, claim, calls, reader);\n    return;",
      },
    ],
    seed: 6033,
  },
  {
    name: "family",
    race: "two rolls register in one family",
    edits: [
      {
        file: "shared/gateways/aws/errors.ts",
        find: '  { name: "ClientException", message: /^Too many concurrent attempts\\b/ },\n',
        replace: "",
      },
    ],
    seed: 6011,
  },
  {
    name: "notice",
    race: "two reconciles report one refusal",
    edits: [
      {
        file: "shared/use-cases/observe/notify-once.ts",
        find: "if (!(await claimNotice(ref, notice, calls))) return;",
        replace: "await claimNotice(ref, notice, calls);",
      },
    ],
    seed: 6087,
  },
  {
    name: "control",
    race: "an operator asks for something while the last step of a rollout runs",
    edits: [
      {
        file: "shared/use-cases/rollout/finish-rollout.ts",
        find: 'const isLate = control?.action === "rollback" && rollout.control?.action !== "rollback";',
        replace: "const isLate = false;",
      },
    ],
    seed: 6048,
  },
  {
    name: "sweep",
    race: "a sweep retires the versions of secrets that rolls begin to use or return to",
    edits: [
      {
        file: "shared/use-cases/reconcile/retire.ts",
        find: "for (const state of states) for (const valueFrom of neededBy(state)) note(valueFrom);",
        replace: "void states;",
      },
    ],
    seed: 6014,
  },
];
