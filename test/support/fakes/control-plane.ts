import { sameRole } from "../../../shared/base/arn.ts";
import { AutopilotError } from "../../../shared/base/errors.ts";
import type { MeshFacts } from "../../../shared/model/mesh.ts";
import type { RoleBinding, WorkloadIdentity } from "../../../shared/model/service.ts";
import type { WorkloadEntry, WorkloadEntrySelection } from "../../../shared/model/workload-entry.ts";
import type { ControlPlaneCalls } from "../../../shared/ports/ports.ts";
import { web } from "../arns.ts";
import { facts } from "../services.ts";
import { workloadEntryOf } from "../workload-entries.ts";

const TASKS = `arn:aws:ecs:${web.region}:${web.account}:task/${web.clusterName}`;

/** https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#syntax-and-character-set */
const LABEL_VALUE = /^[A-Za-z0-9]([\w.-]{0,61}[A-Za-z0-9])?$/;

/** The Kubernetes API of one control plane, whose mesh has these facts. It knows the two tasks of
 * the service `web` that its first roll starts. */
export class FakeControlPlane implements ControlPlaneCalls {
  /** The facts of its mesh; the time of reading is added. */
  facts: MeshFacts;
  /** Namespaces that are in the mesh. */
  readonly namespaces = new Set<string>();
  /** Namespaces that somebody keeps out of the mesh. */
  readonly keptOut = new Set<string>();
  /** Roles by `namespace/service account`. */
  readonly bound = new Map<string, string>();
  /** The same by EKS's own annotation. */
  readonly eksBound = new Map<string, string>();
  /** The certificates of istiod's CA secret; undefined: there is none. */
  caChain: readonly string[] | undefined;
  /** How often the CA secret was read. */
  caReads = 0;
  entries: readonly WorkloadEntry[] = [0, 1].map((index) =>
    workloadEntryOf(`${TASKS}/ecs-svc-new-1-${index}`, { address: `10.0.0.${index + 1}` }),
  );
  readonly #now: () => number;

  constructor(now: () => number) {
    this.#now = now;
    this.facts = { ...facts, readAt: new Date(now()).toISOString() };
  }

  async readMeshFacts() {
    return { ...this.facts, readAt: new Date(this.#now()).toISOString() };
  }

  async readCaChain() {
    this.caReads += 1;
    if (!this.caChain) throw new AutopilotError("control-plane-incomplete", "main: Secret cacerts does not exist");
    return this.caChain;
  }

  async readNamespace(namespace: string) {
    if (namespace === "istio-system" || this.namespaces.has(namespace)) return "ambient" as const;
    return this.keptOut.has(namespace) ? ("not-ambient" as const) : ("absent" as const);
  }

  async ensureNamespace(namespace: string) {
    if (!this.keptOut.has(namespace)) this.namespaces.add(namespace);
  }

  async ensureServiceAccount({ namespace, serviceAccount, roleArn }: WorkloadIdentity) {
    const name = `${namespace}/${serviceAccount}`;
    const bindings = await this.readBindings(namespace, serviceAccount);
    const isOther = bindings.some((binding) => !sameRole(binding.roleArn, roleArn));
    const exists = this.keptOut.has(namespace) || (await this.readNamespace(namespace)) === "ambient";
    if (isOther || !exists) throw new AutopilotError("control-plane-refused", `ServiceAccount ${name}`);
    if (bindings.length === 0) this.bound.set(name, roleArn);
  }

  async readBindings(namespace: string, serviceAccount: string) {
    const name = `${namespace}/${serviceAccount}`;
    const [own, eks] = [this.bound.get(name), this.eksBound.get(name)];
    return [
      ...(own ? [{ annotation: "ecs.solo.io/role-arn", roleArn: own }] : []),
      ...(eks ? [{ annotation: "eks.amazonaws.com/role-arn", roleArn: eks }] : []),
    ];
  }

  async unbind({ namespace, serviceAccount, roleArn }: WorkloadIdentity) {
    const name = `${namespace}/${serviceAccount}`;
    const present = this.bound.get(name);
    if (present !== undefined && sameRole(present, roleArn)) this.bound.delete(name);
  }

  async listBindings(namespace: string) {
    const names = [...this.bound.keys(), ...this.eksBound.keys()].filter((name) => name.startsWith(`${namespace}/`));
    const accounts = new Map<string, readonly RoleBinding[]>();
    for (const name of names) {
      const [, account = ""] = name.split("/");
      accounts.set(account, await this.readBindings(namespace, account));
    }
    return accounts;
  }

  async listAmbientNamespaces(_mostCalls: number): Promise<ReadonlySet<string> | undefined> {
    return new Set(this.namespaces);
  }

  async listAllBindings(
    _mostCalls: number,
  ): Promise<ReadonlyMap<string, ReadonlyMap<string, readonly RoleBinding[]>> | undefined> {
    const names = [...this.bound.keys(), ...this.eksBound.keys()].map((name) => name.split("/")[0] ?? "");
    const all = new Map<string, ReadonlyMap<string, readonly RoleBinding[]>>();
    for (const namespace of new Set(names)) all.set(namespace, await this.listBindings(namespace));
    return all;
  }

  async listWorkloadEntries({ namespace, serviceName = "" }: WorkloadEntrySelection) {
    const all = this.entries.filter((one) => namespace === undefined || one.namespace === namespace);
    if (!LABEL_VALUE.test(serviceName)) return all;
    return all.filter(({ labels }) => labels["ecs.solo.io/service"] === serviceName);
  }
}
