import { matches } from "../base/wildcard.ts";

/** The fleet's image and the images that may run besides it, as in the configuration's `ztunnel`. */
export interface ImagePolicy {
  readonly image: string;
  readonly allowedImages?: readonly string[] | undefined;
}

/**
 * Whether a ztunnel may run this image, which gets the service's network and its task role's credentials: by default
 * only images of the repository that the configuration's own image is in, else those that `ztunnel.allowedImages`
 * names.
 */
export function isAllowedImage(image: string, { image: own, allowedImages }: ImagePolicy): boolean {
  const repository = repositoryOf(own);
  const patterns = allowedImages ?? [repository, `${repository}:*`, `${repository}@*`];
  return patterns.some((pattern) => matches(pattern, image));
}

/** An image reference without its tag and digest. A registry's port is not a tag. */
function repositoryOf(image: string): string {
  return image.replace(/@.*$/, "").replace(/:[^/:]*$/, "");
}
