import { counted } from "../../shared/base/plural.ts";
import type { Inventory, InventoryService } from "../inventory/inventory.ts";
import type { TokenRoot } from "../inventory/token-root.ts";
import { sharedThingsText } from "./shared-things.ts";
import { printable, type Style, type Terminal } from "./style.ts";
import { type Cell, type Column, table } from "./table.ts";
import { minuteOf } from "./time.ts";

const columns: readonly Column[] = [
  { title: "service", keepEnd: true },
  { title: "enrolled" },
  { title: "ztunnel" },
  { title: "root CA", optional: true },
  { title: "revision", keepEnd: true },
  { title: "state" },
  { title: "last roll", optional: true },
];

/** The inventory as one table per account and region, with what needs words below it. */
export function inventoryText(inventory: Inventory, terminal: Terminal): string {
  const { services, unread, unreadable, istiod, shortArns } = inventory;
  const { style } = terminal;
  const places = Map.groupBy(services, ({ account, region }) => `${account}  ${region}`);
  const versions = Object.entries(istiod).map(([name, version]) => `${name} ${version}`);
  return [
    ...(versions.length > 0 ? [style(printable(`istiod: ${versions.join(", ")}`), "dim"), ""] : []),
    ...[...places].flatMap(([place, own]) => [
      `${style(place, "bold")}  ${placeWords(own)}`,
      table(columns, own.map(row), terminal),
      ...own.flatMap((service) =>
        notes(service).map((note) => `    ${printable(`${service.cluster}/${service.name}: ${note}`)}`),
      ),
      "",
    ]),
    ...sharedThingsText(inventory, terminal),
    ...shortArns.map((arn) => printable(`${arn}: a short ARN, which can have no tags. Create the service again.`)),
    ...unreadable.map(({ pk, sk, why, advice }) =>
      style(printable(`${pk} / ${sk} can't be read: ${why} ${advice}`), "red"),
    ),
    ...unread.map(({ account, region, code, detail }) =>
      style(printable(`${account}  ${region}  not read: ${code}: ${detail}`), "red"),
    ),
    services.length === 0 && unread.length === 0 ? "No services." : summary(services),
  ].join("\n");
}

function placeWords(services: readonly InventoryService[]): string {
  const enrolled = services.filter((service) => service.enrolled).length;
  return `${counted(services.length, "service")}, ${enrolled} enrolled`;
}

function row(service: InventoryService): readonly Cell[] {
  return [
    `${service.cluster}/${service.name}`,
    service.enrolled ? "yes" : "no",
    ztunnelCell(service),
    rootCell(service),
    service.revision,
    { text: stateWords(service), style: stateStyle(service) },
    lastRollWords(service),
  ];
}

/** The image's tag or digest: the name is the same for all. */
function ztunnelCell({ ztunnelImage, skew }: InventoryService): Cell {
  if (ztunnelImage === undefined) return "";
  const [name = "", digest] = ztunnelImage.split("@");
  const version = name.split("/").at(-1)?.split(":")[1] ?? digest?.slice(0, 19) ?? ztunnelImage;
  return skew ? { text: `${version} (istiod ${skew.istiod})`, style: "yellow" } : version;
}

function lastRollWords({ lastOutcome }: InventoryService): string {
  if (!lastOutcome) return "";
  const { outcome, reason, at } = lastOutcome;
  return `${reason === "already-as-desired" ? "nothing to do" : outcome} ${minuteOf(at)}`;
}

function rootCell({ root, sidecar }: InventoryService): Cell {
  if (!root) return sidecar ? "?" : "";
  const words = rootWords(root);
  return root.cutOff ? { text: words, style: "red" } : words;
}

/** The first characters of each certificate's fingerprint, and whether the bundle is old or cut off. */
export function rootWords({ fingerprints, newest, cutOff }: TokenRoot): string {
  const short = fingerprints.map((one) => one.replaceAll(":", "").slice(0, 8).toLowerCase()).join("+");
  if (cutOff) return `${short} (cut off)`;
  return newest ? short : `${short} (old)`;
}

/** What reconciling a service would come to, in a few words. */
export function stateWords({ verdict, drift, refusals, rolling, failure }: InventoryService): string {
  if (rolling) return "rolling";
  switch (verdict) {
    case "drift":
      return drift.length > 0 ? `drift: ${drift.join(", ")}` : "to be unenrolled";
    case "refused":
      return `refused: ${refusals.map(({ reason }) => reason).join(", ")}`;
    case "unknown":
      return `unknown: ${failure?.code ?? "?"}`;
    case "awaits-rollout":
      return "awaits rollout";
    case "as-desired":
      return "as desired";
    case "not-enrolled":
      return "not enrolled";
    case "fleet-unenrolled":
      return "out with the whole fleet";
    case "fleet-adopting":
      return "waits until a restored ledger has adopted what runs";
    case "tag-key-changed":
      return "kept: the enroll tag's key has changed";
  }
}

function stateStyle({ verdict }: InventoryService): Style {
  if (verdict === "refused" || verdict === "unknown") return "red";
  if (verdict === "drift" || verdict === "awaits-rollout") return "yellow";
  return verdict === "as-desired" ? "green" : "dim";
}

function notes(service: InventoryService): readonly string[] {
  const { refusals, warnings, stops, throttledUntil, stranded, lastOutcome, failure } = service;
  return [
    ...refusals.map(({ reason, detail }) => `refused, ${reason}: ${detail}`),
    ...warnings.map(({ code, detail }) => `warning, ${code}: ${detail}`),
    ...(stops ? [`its tasks keep dying, ${stops.code}: ${stops.count} since ${minuteOf(stops.since)}`] : []),
    ...(throttledUntil ? [`its tags change too often: what they ask for is done at ${minuteOf(throttledUntil)}`] : []),
    ...(stranded ? [`somebody has to act, ${lastOutcome?.reason}: not reverted, and it does not run`] : []),
    ...(failure ? [`${failure.code}: ${failure.detail}`] : []),
  ];
}

function summary(services: readonly InventoryService[]): string {
  const count = (holds: (service: InventoryService) => boolean) => services.filter(holds).length;
  const always = [
    counted(services.length, "service"),
    `${count(({ enrolled }) => enrolled)} enrolled`,
    `${count(({ sidecar }) => sidecar)} with ztunnel`,
  ];
  const ifAny: readonly (readonly [number, string])[] = [
    [count(({ verdict }) => verdict === "drift"), "drifted"],
    [count(({ verdict }) => verdict === "awaits-rollout"), "awaiting a rollout"],
    [count(({ verdict }) => verdict === "refused"), "refused"],
    [count(({ verdict }) => verdict === "unknown"), "unknown"],
    [count(({ root }) => root !== undefined && !root.newest), "with an old root"],
    [count(({ root }) => root?.cutOff === true), "cut off"],
    [count(({ skew }) => skew !== undefined), "with version skew"],
  ];
  const parts = [...always, ...ifAny.flatMap(([number, words]) => (number > 0 ? [`${number} ${words}`] : []))];
  const direct = count(({ outbound }) => outbound === false);
  return [`${parts.join(", ")}.`, ...(direct > 0 ? [reachWords(direct)] : [])].join("\n");
}

/** What a sidecar that redirects nothing leaves out of the mesh. */
function reachWords(direct: number): string {
  const words = direct === 1 ? "1 service has its outbound traffic" : `${direct} services have their outbound traffic`;
  return `${words} past the mesh, without the tag proxy-env. Ports of applications stay reachable in plain text.`;
}
