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
  const parts = partsOf(image);
  if (allowedImages) return allowedImages.some((pattern) => matchesImage(partsOf(pattern), parts));
  const { registry, repository } = partsOf(own);
  return parts.registry === registry && parts.repository === repository;
}

/** The parts of an image reference, or of a pattern of them. */
interface ImageParts {
  /** Undefined for the registry that the runtime asks by default. */
  readonly registry: string | undefined;
  readonly repository: string;
  readonly tag: string | undefined;
  readonly digest: string | undefined;
}

/**
 * What stands before the first slash is a registry if it has a dot or a port or is `localhost`:
 * https://github.com/distribution/reference/blob/main/normalize.go
 */
function partsOf(reference: string): ImageParts {
  const [name = "", digest] = reference.split("@", 2);
  const slash = name.indexOf("/");
  const host = name.slice(0, Math.max(slash, 0));
  const registry = /[.:]|^localhost$/.test(host) ? host : undefined;
  const [repository = "", tag] = (registry === undefined ? name : name.slice(slash + 1)).split(":", 2);
  return { registry, repository, tag, digest };
}

/**
 * Part by part: a `*` stands for characters of its own part alone, and within it for none that divide hosts or paths,
 * but at the end of the path, as a whole part, for any rest of it.
 */
function matchesImage(pattern: ImageParts, image: ImageParts): boolean {
  return (
    matchesRegistry(pattern.registry, image.registry) &&
    matchesPath(pattern.repository.split("/"), image.repository.split("/")) &&
    matchesVersion(pattern, image)
  );
}

function matchesRegistry(pattern: string | undefined, registry: string | undefined): boolean {
  if (pattern === undefined || registry === undefined) return pattern === registry;
  const [host = "", port] = pattern.split(":");
  const [ownHost = "", ownPort] = registry.split(":");
  return matchesOptional(port, ownPort) && matchesEach(host.split("."), ownHost.split("."));
}

function matchesPath(pattern: readonly string[], path: readonly string[]): boolean {
  const before = pattern.slice(0, -1);
  if (pattern.at(-1) !== "*") return matchesEach(pattern, path);
  return path.length > before.length && matchesEach(before, path.slice(0, before.length));
}

/**
 * A digest decides alone what runs, and no tag before it counts. So a pattern that names tags takes no digests,
 * unless it takes every tag; and one that names neither takes all.
 */
function matchesVersion(pattern: ImageParts, image: ImageParts): boolean {
  if (pattern.digest !== undefined) {
    const tagged = pattern.tag === undefined || matchesOptional(pattern.tag, image.tag);
    return tagged && matchesOptional(pattern.digest, image.digest);
  }
  if (pattern.tag === undefined) return true;
  return matchesOptional(pattern.tag, image.tag) && (image.digest === undefined || pattern.tag === "*");
}

function matchesOptional(pattern: string | undefined, text: string | undefined): boolean {
  return pattern === undefined || text === undefined ? pattern === text : matches(pattern, text);
}

function matchesEach(patterns: readonly string[], texts: readonly string[]): boolean {
  return patterns.length === texts.length && patterns.every((pattern, index) => matches(pattern, texts[index] ?? ""));
}
