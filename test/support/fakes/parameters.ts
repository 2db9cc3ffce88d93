import type { ParameterCalls } from "../../../shared/ports/ports.ts";

/** The Parameter Store of one account and region. */
export class FakeParameters implements ParameterCalls {
  /** Values by the parameters' names. */
  readonly values = new Map<string, string>();

  async getParameter(nameOrArn: string) {
    const [, name = nameOrArn] = /^arn:aws:ssm:[^:]+:\d{12}:parameter(\/.+)$/.exec(nameOrArn) ?? [];
    return this.values.get(name);
  }

  async putParameter(name: string, value: string) {
    this.values.set(name, value);
  }
}
