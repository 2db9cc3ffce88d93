import { matches } from "../base/wildcard.ts";
import type { Config } from "./config.ts";

/**
 * Whether a ztunnel may run this image, which gets the service's network and its task role's credentials: by default
 * only images of the repository that the configuration's own image is in, else those that `ztunnel.allowedImages`
 * names.
 */
export function isAllowedImage(image: string, { image: own, allowedImages }: Config["ztunnel"]): boolean {
  const repository = repositoryOf(own);
  const patterns = allowedImages ?? [repository, `${repository}:*`, `${repository}@*`];
  return patterns.some((pattern) => matches(pattern, image));
}

/** An image reference without its tag and digest. A registry's port is no tag. */
function repositoryOf(image: string): string {
  return image.replace(/@.*$/, "").replace(/:[^/:]*$/, "");
}
