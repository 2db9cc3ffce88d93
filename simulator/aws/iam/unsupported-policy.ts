/**
 * A policy with something that is not evaluated here. It is refused where it comes in: what can't be evaluated must
 * neither grant nor be overlooked.
 */
export class UnsupportedPolicy extends Error {
  constructor(what: string) {
    super(`The simulator does not evaluate this policy: ${what}.`);
    this.name = "UnsupportedPolicy";
  }
}
