import { createHash, randomUUID } from "node:crypto";
import { type KubeObject, type Lease, microTimeAt, millisecondsOf } from "../../api/mod.ts";
import type { Registry } from "../registry/served.ts";
import type { Writer } from "../registry/writer.ts";
import { createIfAbsent, loopbackContext } from "./ensure.ts";

const NAMESPACE = "kube-system";
const LABEL = "apiserver.kubernetes.io/identity";
const DURATION_SECONDS = 3600;

export interface IdentityOptions {
  readonly registry: Registry;
  readonly writer: Writer;
  /** What tells this server from others, and stays the same when it starts again: host and port. */
  readonly host: string;
  readonly port: number;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/** This server among those of its store: a Lease `apiserver-…` in kube-system that it renews as long as it lives. */
export class ServerIdentity {
  readonly name: string;
  readonly #options: IdentityOptions;
  readonly #holder: string;

  constructor(options: IdentityOptions) {
    this.#options = options;
    this.name = `apiserver-${hashOf(`${options.host}:${options.port}`)}`;
    this.#holder = `${this.name}_${randomUUID()}`;
  }

  async renew(): Promise<void> {
    const { registry, writer, host, now } = this.#options;
    const leases = registry.need("coordination.k8s.io", "v1", "leases");
    const renewTime = microTimeAt(now());
    const labels = { [LABEL]: "kube-apiserver", "kubernetes.io/hostname": host };
    const spec = { holderIdentity: this.#holder, leaseDurationSeconds: DURATION_SECONDS, renewTime };
    const lease = {
      apiVersion: "coordination.k8s.io/v1",
      kind: "Lease",
      metadata: { name: this.name, namespace: NAMESPACE, labels },
      spec: { ...spec, acquireTime: renewTime },
    };
    if (await createIfAbsent(leases, writer, lease)) return;
    const produce = (current: KubeObject): KubeObject => {
      const next = structuredClone(current) as Lease & KubeObject;
      next.metadata.labels = { ...next.metadata.labels, ...labels };
      const isOurs = next.spec?.holderIdentity === this.#holder;
      next.spec = { ...next.spec, ...spec, ...(!isOurs && { acquireTime: renewTime }) };
      return next;
    };
    await writer.update(leases, NAMESPACE, this.name, produce, loopbackContext);
  }

  /** Leases of servers that are long gone, each with its lapsed hour, are removed by any server that is left. */
  async expired(): Promise<string[]> {
    const { registry, now } = this.#options;
    const leases = registry.need("coordination.k8s.io", "v1", "leases");
    await leases.cache.start();
    return [...leases.cache.entries(leases.prefix(NAMESPACE))]
      .map(([, object]) => object as Lease & KubeObject)
      .filter(({ metadata, spec }) => {
        if (metadata.labels?.[LABEL] !== "kube-apiserver" || metadata.name === this.name) return false;
        const renewed = millisecondsOf(spec?.renewTime ?? "") ?? 0;
        return renewed + (spec?.leaseDurationSeconds ?? DURATION_SECONDS) * 1000 < now();
      })
      .map(({ metadata }) => metadata.name);
  }
}

/** 26 letters and digits, as kube-apiserver makes them. */
function hashOf(text: string): string {
  const alphabet = "abcdefghijklmnopqrstuvwxyz234567";
  const bits = [...createHash("sha256").update(text).digest()]
    .map((byte) => byte.toString(2).padStart(8, "0"))
    .join("");
  return Array.from({ length: 26 }, (_, i) => alphabet[Number.parseInt(bits.slice(i * 5, i * 5 + 5), 2)]).join("");
}
