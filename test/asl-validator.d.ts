// The package has no types of its own at this path: only what the tests use.
declare module "asl-validator" {
  /** Validates a state machine's definition, and writes defaults into it. */
  export default function validator(definition: object): {
    readonly isValid: boolean;
    readonly errors: readonly object[];
  };
}
