import { EtcdError } from "../../kvstore/client/mod.ts";
import type { Json, Recorder } from "../history/mod.ts";
import type { Dump } from "../workloads/mod.ts";
import type { Cluster, Member } from "./cluster.ts";
import { sleep } from "./machine-clock.ts";
import type { Observer } from "./observer.ts";

const patienceMs = 10_000;
const all = { key: Uint8Array.of(0), rangeEnd: Uint8Array.of(0) };

/** Waits, when nobody writes any more, until all members have applied the same; false if they do not in time. */
export async function converged(cluster: Cluster, observer: Observer, patience: number): Promise<boolean> {
  for (const until = performance.now() + patience; performance.now() < until; await sleep(100)) {
    const statuses = [...(await observer.statuses()).values()];
    const revisions = new Set(statuses.map(({ header }) => header?.revision));
    if (statuses.length === cluster.members.length && revisions.size === 1) return true;
  }
  return false;
}

/** All keys, as each member that answers has them. */
export async function dumps(observer: Observer): Promise<Dump[]> {
  const found: Dump[] = [];
  for (const member of (await observer.statuses()).keys()) {
    try {
      const { kv } = observer.clientOf(member);
      const { header, kvs } = await kv.range({ ...all, serializable: true }, { timeoutMs: patienceMs });
      found.push({ name: member.name, revision: header?.revision ?? 0, kvs });
    } catch (error) {
      if (!(error instanceof EtcdError)) throw error;
    }
  }
  return found;
}

/** Asks each member that answers, in the name of client 0, for its hash and for who it thinks the members are. */
export async function agreements(observer: Observer, recorder: Recorder): Promise<void> {
  const statuses = await observer.statuses();
  const revision = Math.min(...[...statuses.values()].map(({ header }) => header?.revision ?? 0));
  for (const member of statuses.keys()) {
    await ask(recorder, "hash", member, async () => {
      const { hash, compactRevision } = await observer
        .clientOf(member)
        .maintenance.hashKv(revision, { timeoutMs: patienceMs });
      return { member: member.name, revision, compactRevision, hash: String(hash) };
    });
    await ask(recorder, "members", member, async () => {
      const { cluster: asked } = observer.clientOf(member);
      const { header, members } = await asked.memberList({ linearizable: false }, { timeoutMs: patienceMs });
      const listed = members.map(({ id, name, peerURLs, isLearner }) => ({
        ...{ id: String(id), name, peerURLs: peerURLs.join(","), isLearner },
      }));
      return { member: String(header?.memberId ?? member.name), members: listed };
    });
  }
}

async function ask(recorder: Recorder, f: string, { name }: Member, work: () => Promise<Json>): Promise<void> {
  const done = recorder.invoke(0, f, { member: name });
  try {
    done("ok", await work());
  } catch (error) {
    if (!(error instanceof EtcdError)) throw error;
    done("fail", { member: name }, { class: error.etcdCode ?? String(error.code), text: error.message });
  }
}
