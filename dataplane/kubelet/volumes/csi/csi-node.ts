import type { CSINode, CSINodeDriver, Node } from "../../../../controlplane/api/mod.ts";
import { type Client, isAlreadyExists, isConflict, isNotFound } from "../../../../controlplane/client/mod.ts";

const nodeIdAnnotation = "csi.volume.kubernetes.io/nodeid";

/** Tells the API which drivers serve this node, under which id, and where in their world it is: its CSINode, and labels of the Node. */
export class CsiNodeObject {
  readonly #client: Client;
  readonly #nodeName: string;

  constructor(client: Client, nodeName: string) {
    this.#client = client;
    this.#nodeName = nodeName;
  }

  /** Every node has one, drivers or not: the scheduler counts by it. */
  async ensure(node: Node): Promise<void> {
    const { name = "", uid = "" } = node.metadata;
    const ownerReferences = [{ apiVersion: "v1", kind: "Node", name, uid }];
    try {
      await this.#client.csiNodes.create({ metadata: { name, ownerReferences }, spec: { drivers: [] } });
    } catch (error) {
      if (!isAlreadyExists(error)) throw error;
    }
  }

  /** `segments`: the topology the driver says the node is in. */
  async add(driver: CSINodeDriver, segments: Readonly<Record<string, string>>): Promise<void> {
    const node = await this.#client.nodes.get(this.#nodeName);
    const ids = JSON.parse(node.metadata.annotations?.[nodeIdAnnotation] ?? "{}") as Record<string, string>;
    const annotations = { [nodeIdAnnotation]: JSON.stringify({ ...ids, [driver.name]: driver.nodeID }) };
    await this.#client.nodes.patch(this.#nodeName, "merge", { metadata: { annotations, labels: segments } });
    await this.ensure(node);
    await this.#change((drivers) => [...drivers.filter(({ name }) => name !== driver.name), driver]);
  }

  async remove(name: string): Promise<void> {
    await this.#change((drivers) => drivers.filter((driver) => driver.name !== name));
  }

  async #change(change: (drivers: readonly CSINodeDriver[]) => CSINodeDriver[]): Promise<void> {
    for (;;) {
      try {
        const current = await this.#client.csiNodes.get(this.#nodeName);
        const changed: CSINode = { ...current, spec: { ...current.spec, drivers: change(current.spec.drivers) } };
        await this.#client.csiNodes.update(changed);
        return;
      } catch (error) {
        if (isNotFound(error)) return; // the node is on its way out
        if (!isConflict(error)) throw error;
      }
    }
  }
}
