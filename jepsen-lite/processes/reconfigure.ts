import { type EtcdClient, EtcdError } from "../../kvstore/client/mod.ts";
import type { Place } from "./cluster.ts";
import { sleep } from "./machine-clock.ts";
import type { NemesisContext } from "./nemesis.ts";

const [patienceMs, callMs] = [15_000, 3000];

/** Changes of a cluster's membership, step by step, as an operator makes them with etcdctl. Each rejects with the store's last answer when it will not be done. */
export class Reconfiguration {
  readonly #context: NemesisContext;

  constructor(context: NemesisContext) {
    this.#context = context;
  }

  /** It is taken out of the cluster, and its process ends. */
  async remove(name: string): Promise<void> {
    const { process, peerUrl } = this.#context.cluster.own(name);
    // Who learns that it was removed ends by itself.
    process.mayEnd = true;
    await this.#ask(name, async ({ cluster }) => {
      const { members } = await cluster.memberList({}, { timeoutMs: callMs });
      const found = members.find(({ peerURLs }) => peerURLs.includes(peerUrl));
      if (found !== undefined) await cluster.memberRemove(found.id, { timeoutMs: callMs });
    });
    await process.end("SIGKILL");
  }

  /** A member with nothing in it comes, under a place's name and URL; as a learner first, it is promoted when it has caught up. */
  async add(place: Place, asLearner: boolean): Promise<void> {
    const { cluster: ours } = this.#context;
    const id = await this.#ask(place.name, async ({ cluster }) => {
      const { members } = await cluster.memberList({}, { timeoutMs: callMs });
      // One whose addition had no answer is there all the same.
      const known = members.find(({ peerURLs }) => peerURLs.includes(place.peerUrl));
      if (known !== undefined) return known.id;
      return (await cluster.memberAdd([place.peerUrl], asLearner, { timeoutMs: callMs })).member!.id;
    });
    ours.join(place);
    if (!asLearner) return;
    await this.#ask(place.name, async ({ cluster }) => {
      try {
        await cluster.memberPromote(id, { timeoutMs: callMs });
      } catch (error) {
        if (!(error instanceof EtcdError) || error.etcdCode !== "MemberNotLearner") throw error;
      }
    });
  }

  /** Asks the members in turn, but for one, until one of them does it. */
  async #ask<T>(but: string, work: (client: EtcdClient) => Promise<T>): Promise<T> {
    const { cluster, observer } = this.#context;
    for (const until = performance.now() + patienceMs; ; ) {
      let last: EtcdError | undefined;
      for (const member of cluster.members) {
        if (member.name === but) continue;
        try {
          return await work(observer.clientOf(member));
        } catch (error) {
          if (!(error instanceof EtcdError)) throw error;
          last = error;
        }
      }
      if (performance.now() > until) throw last ?? new EtcdError(14, "there is nobody to ask");
      await sleep(100);
    }
  }
}
