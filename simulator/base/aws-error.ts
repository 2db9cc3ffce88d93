/**
 * An error that an AWS service answers with. `name` is the error code of the service's API, such as
 * `ExecutionAlreadyExists`, `statusCode` the HTTP status.
 */
export class AwsError extends Error {
  readonly statusCode: number;

  constructor(name: string, message: string, statusCode = 400) {
    super(message);
    this.name = name;
    this.statusCode = statusCode;
  }
}
