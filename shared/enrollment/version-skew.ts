import type { Config } from "../config/config.ts";
import type { MeshFacts } from "../model/mesh.ts";
import type { Refusal, Warning } from "../model/reasons.ts";

/** Minor versions of a ztunnel image and of istiod that differ. */
export interface VersionSkew {
  readonly ztunnel: string;
  readonly istiod: string;
  /** Istio supports a ztunnel that is older than istiod, not one that is newer. */
  readonly isNewer: boolean;
}

/**
 * The minor versions of a ztunnel image and of istiod where they differ; `undefined` where they don't, or where either
 * version is unknown: an image of a digest or of a tag without numbers.
 */
export function versionSkew(image: string, istiodVersion: string | undefined): VersionSkew | undefined {
  const ztunnel = minorVersion(image.replace(/@.*$/, "").match(/:([^/:]+)$/)?.[1]);
  const istiod = minorVersion(istiodVersion);
  if (ztunnel === undefined || istiod === undefined || ztunnel.text === istiod.text) return undefined;
  const isNewer = ztunnel.major > istiod.major || (ztunnel.major === istiod.major && ztunnel.minor > istiod.minor);
  return { ztunnel: ztunnel.text, istiod: istiod.text, isNewer };
}

/** The skew that the configuration refuses: an image that is newer than istiod. */
export function refusedSkew(
  image: string,
  istiodVersion: string | undefined,
  { policy }: Pick<Config, "policy">,
): VersionSkew | undefined {
  const skew = policy.versionSkew === "refuse" ? versionSkew(image, istiodVersion) : undefined;
  return skew?.isNewer ? skew : undefined;
}

/** The refusal of an image that is newer than the istiod of these facts. */
export function skewRefusals(image: string, facts: MeshFacts | undefined, config: Config): readonly Refusal[] {
  const skew = refusedSkew(image, facts?.istiodVersion, config);
  return skew ? [{ reason: "version-skew", detail: `${wordsOf(skew)} The image is ${image}.` }] : [];
}

/** The warning of an image whose version differs from istiod's. */
export function skewWarnings(image: string, { istiodVersion }: MeshFacts): readonly Warning[] {
  const skew = versionSkew(image, istiodVersion);
  return skew ? [{ code: "version-skew", detail: wordsOf(skew) }] : [];
}

/** A skew in words, as a sentence. */
export function wordsOf({ ztunnel, istiod }: VersionSkew): string {
  return `ztunnel ${ztunnel}, istiod ${istiod}.`;
}

/** `1.28` of `1.28.0-solo`; `undefined` for a version without numbers, such as a digest or `latest`. */
function minorVersion(version: string | undefined) {
  const [, major, minor] = version?.match(/^v?(\d+)\.(\d+)(?:\D|$)/) ?? [];
  if (major === undefined || minor === undefined) return undefined;
  return { text: `${Number(major)}.${Number(minor)}`, major: Number(major), minor: Number(minor) };
}
