import { DEFAULT_NAME } from "../../shared/base/vocabulary.ts";
import { type AutopilotDeployment, namePrefix } from "./deployment.ts";

/** An SSM parameter, as it is created in every account and region with services. */
export interface OwnershipRecord {
  readonly name: string;
  readonly value: string;
  readonly description: string;
}

/**
 * Parameter Store's limit:
 * https://docs.aws.amazon.com/systems-manager/latest/userguide/sysman-parameter-name-constraints.html
 */
const MAX_NAME_LENGTH = 1011;

/**
 * Who acts on the services that the enroll key enrolls. Parameter Store creates no parameter of a name that exists, so
 * that the deployment of a second stage with the same key fails instead of working against the first. Throws when the
 * key is too long for a parameter's name.
 */
export function ownershipRecord(
  deployment: Pick<AutopilotDeployment, "name" | "stage" | "home" | "enrollTagKey">,
): OwnershipRecord {
  const { home, enrollTagKey } = deployment;
  const name = `/${DEFAULT_NAME}/owners/${encoded(enrollTagKey)}`;
  if (name.length > MAX_NAME_LENGTH) throw new Error(`enrollTagKey ${enrollTagKey} is too long for a parameter's name`);
  return {
    name,
    value: JSON.stringify({ deployment: namePrefix(deployment), home: `${home.account}/${home.region}` }),
    description: "Which deployment of the autopilot acts on the services with this enroll tag.",
  };
}

/** The key with all that a parameter's name can't hold as `.` and two hex digits a byte: no two keys have one name. */
function encoded(key: string): string {
  return [...new TextEncoder().encode(key)]
    .map((byte) => {
      const character = String.fromCharCode(byte);
      return /[A-Za-z0-9_-]/.test(character) ? character : `.${byte.toString(16).padStart(2, "0")}`;
    })
    .join("");
}
