import { AutopilotError } from "../../base/errors.ts";
import { kubernetesStatus } from "./kubernetes-client.ts";

/** A list starts again when etcd is compacted while it is read, which EKS does every 5 minutes. */
const LIST_ATTEMPTS = 3;

/** What `read` makes of a list, page by page; it begins again when the rest expires. Throws what it throws last. */
export async function wholeList<T>(read: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await read();
    } catch (error) {
      if (!isExpiredList(error) || attempt === LIST_ATTEMPTS) throw error;
    }
  }
}

/** The rest of the list can't be read any more. https://kubernetes.io/docs/reference/using-api/api-concepts/ */
function isExpiredList(error: unknown): boolean {
  return error instanceof AutopilotError && kubernetesStatus(error.cause) === 410;
}
