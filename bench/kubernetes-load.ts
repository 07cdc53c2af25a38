// What API servers ask of their store: updates and creations as transactions on a key's revision, linearizable reads, pages
// of lists, deletions, and watches on prefixes that want the value before.
import { type Random, seededRandom } from "../base/mod.ts";
import { RangeRequest, TxnRequest, TxnResponse, WatchRequest } from "../proto/mod.ts";
import { Latencies, type Measured } from "./latencies.ts";
import { prepared, RawConnection } from "./raw-client.ts";

export interface KubernetesLoad {
  readonly workers: number;
  readonly seconds: number;
}

const namespaces = 20;
const watchesPerNamespace = 5;
const objectsPerWorker = 20;
const txnPath = "/etcdserverpb.KV/Txn";
const rangePath = "/etcdserverpb.KV/Range";

/** Of a hundred operations; the rest are reads of one key. Node leases are small, pods and events are not. */
const shares = { updateLease: 35, updatePod: 20, replacePod: 5, list: 2 } as const;

/** Each worker owns some objects, so that no update comes too late, and does one thing after the other. */
export async function runKubernetesLoad(url: string, load: KubernetesLoad): Promise<Measured> {
  const failed = Promise.withResolvers<never>();
  failed.promise.catch(() => undefined);
  const connections = await Promise.all(Array.from({ length: 4 }, () => RawConnection.open(url, failed.reject)));
  try {
    openWatches(connections[0] as RawConnection);
    const workers = Array.from(
      { length: load.workers },
      (_, i) => new Worker(connections[1 + (i % 3)] as RawConnection, i, seededRandom(i + 1)),
    );
    await Promise.race([Promise.all(workers.map((worker) => worker.createAll())), failed.promise]);
    const latencies = new Latencies();
    const start = performance.now();
    const until = start + load.seconds * 1000;
    await Promise.race([Promise.all(workers.map((worker) => worker.run(until, latencies))), failed.promise]);
    const seconds = (performance.now() - start) / 1000;
    // Making the objects is work for the members too.
    const operations = workers.reduce((sum, { requests }) => sum + requests, 0);
    return { operations, perSecond: latencies.count / seconds, ...latencies.quantiles() };
  } finally {
    for (const connection of connections) connection.close();
  }
}

function openWatches(connection: RawConnection): void {
  const send = connection.stream("/etcdserverpb.Watch/Watch", () => undefined);
  for (let i = 0; i < namespaces * watchesPerNamespace; i++) {
    const key = Buffer.from(`/registry/pods/ns-${i % namespaces}/`);
    const rangeEnd = Buffer.from(`/registry/pods/ns-${i % namespaces}0`);
    send(prepared(WatchRequest.encode({ createRequest: { key, rangeEnd, prevKv: true } })));
  }
}

interface Stored {
  readonly key: Uint8Array;
  readonly valueBytes: number;
  modRevision: number;
}

class Worker {
  requests = 0;
  readonly #connection: RawConnection;
  readonly #random: Random;
  readonly #pods: Stored[];
  readonly #leases: Stored[];
  readonly #namespace: string;

  constructor(connection: RawConnection, number: number, random: Random) {
    this.#connection = connection;
    this.#random = random;
    this.#namespace = `ns-${number % namespaces}`;
    const objects = (prefix: string, valueBytes: number) =>
      Array.from({ length: objectsPerWorker }, (_, i) => ({
        key: Buffer.from(`${prefix}${number}-${i}`),
        valueBytes,
        modRevision: 0,
      }));
    this.#pods = objects(`/registry/pods/${this.#namespace}/pod-`, 2048);
    this.#leases = objects("/registry/leases/kube-node-lease/node-", 300);
  }

  /** What an earlier run left is replaced. */
  async createAll(): Promise<void> {
    for (const object of [...this.#pods, ...this.#leases]) {
      await this.#txn({
        success: [{ requestDeleteRange: { key: object.key } }],
      });
      object.modRevision = 0;
      await this.#update(object);
    }
  }

  async run(untilMs: number, latencies: Latencies): Promise<void> {
    for (let now = performance.now(); now < untilMs; ) {
      await this.#one();
      const end = performance.now();
      latencies.add(end - now);
      now = end;
    }
  }

  #one(): Promise<unknown> {
    let dice = this.#random.below(100);
    const pod = this.#pods[this.#random.below(objectsPerWorker)] as Stored;
    const lease = this.#leases[this.#random.below(objectsPerWorker)] as Stored;
    dice -= shares.updateLease;
    if (dice < 0) return this.#update(lease);
    dice -= shares.updatePod;
    if (dice < 0) return this.#update(pod);
    dice -= shares.replacePod;
    if (dice < 0) return this.#replace(pod);
    dice -= shares.list;
    if (dice < 0) return this.#list();
    return this.#range(RangeRequest.encode({ key: pod.key }));
  }

  async #update(object: Stored): Promise<void> {
    const { key, modRevision, valueBytes } = object;
    const { succeeded, header } = await this.#txn({
      compare: [{ key, target: 2, result: 0, modRevision }],
      success: [{ requestPut: { key, value: new Uint8Array(valueBytes).fill(0x61) } }],
      failure: [{ requestRange: { key } }],
    });
    if (!succeeded || header === undefined) throw new Error("nobody else writes a worker's objects");
    object.modRevision = header.revision;
  }

  async #replace(object: Stored): Promise<void> {
    const { key, modRevision } = object;
    const { succeeded } = await this.#txn({
      compare: [{ key, target: 2, result: 0, modRevision }],
      success: [{ requestDeleteRange: { key, prevKv: true } }],
      failure: [{ requestRange: { key } }],
    });
    if (!succeeded) throw new Error("nobody else writes a worker's objects");
    object.modRevision = 0;
    await this.#update(object);
  }

  #list(): Promise<void> {
    const key = Buffer.from(`/registry/pods/${this.#namespace}/`);
    const rangeEnd = Buffer.from(`/registry/pods/${this.#namespace}0`);
    return this.#range(RangeRequest.encode({ key, rangeEnd, limit: 500 }));
  }

  #range(request: Uint8Array): Promise<void> {
    this.requests++;
    return new Promise((resolve) => this.#connection.unary(rangePath, prepared(request), () => resolve()));
  }

  #txn(request: Parameters<typeof TxnRequest.encode>[0]): Promise<TxnResponse> {
    this.requests++;
    return new Promise((resolve) =>
      this.#connection.unary(txnPath, prepared(TxnRequest.encode(request)), (bytes, start, end) =>
        resolve(TxnResponse.decodeRange(bytes.slice(start, end), 0, end - start)),
      ),
    );
  }
}
