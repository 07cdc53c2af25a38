import { fromUtf8, type Random, toUtf8 } from "../../../base/mod.ts";
import { type ClientTlsOptions, connect, type EtcdClient, prefixEnd } from "../../../kvstore/client/mod.ts";
import type { Event } from "../../../proto/mod.ts";
import { eventually } from "../../support/eventually.ts";
import { described, type History } from "./history.ts";

const everything = { key: toUtf8("soak/"), rangeEnd: prefixEnd(toUtf8("soak/")) };

/** A client that speaks to this member only. */
export function clientOf(endpoint: string, tls: ClientTlsOptions | undefined): EtcdClient {
  return connect({ endpoints: [endpoint], ...(tls && { tls }) });
}

/** All that happened after `since` up to `until`, as a watch tells it; what it has not told within 20 s is missing. */
async function eventsOf({ watch }: EtcdClient, since: number, until: number): Promise<Event[]> {
  const events: Event[] = [];
  if (since >= until) return events;
  const patience = AbortSignal.timeout(20_000);
  try {
    for await (const batch of watch.iterate({ ...everything, startRevision: since + 1 }, patience)) {
      if (batch.kind !== "events") continue;
      events.push(...batch.events.filter(({ kv }) => (kv?.modRevision ?? 0) <= until));
      // Every revision has an event: nobody writes but the load.
      if ((batch.events.at(-1)?.kv?.modRevision ?? 0) >= until) break;
    }
  } catch (error) {
    if (!patience.aborted) throw error;
  }
  return events;
}

/** The revision of a member that has applied all there is, once it answers. */
async function settled(client: EtcdClient, endpoint: string): Promise<number> {
  const answer = await eventually(
    `an answer of ${endpoint}`,
    () => client.kv.range({ ...everything, countOnly: true }, { timeoutMs: 3000 }),
    60_000,
  );
  return answer.header?.revision ?? 0;
}

/**
 * Compares the history with what the clients were told, and the members with each other: the history that one of them, drawn at random, tells; the keys,
 * the applied state at the latest revision and the hash of the keys at that and one other revision, everywhere. While no request is under way.
 */
export async function compare(
  history: History,
  endpoints: readonly string[],
  tls: ClientTlsOptions | undefined,
  random: Random,
): Promise<string[]> {
  const clients = endpoints.map((endpoint) => clientOf(endpoint, tls));
  const wrong: string[] = [];
  try {
    // Twice: what a follower still passed on while the first was asked is there when the last has answered.
    const revisions = await Promise.all(clients.map((client, at) => settled(client, endpoints[at] as string)));
    const until = Math.max(...revisions);
    await Promise.all(clients.map((client, at) => settled(client, endpoints[at] as string)));
    const since = history.checkedRevision;
    const teller = clients[random.below(clients.length)] as EtcdClient;
    wrong.push(...history.check(await eventsOf(teller, since, until), until));
    const earlier = since + 1 + random.below(Math.max(1, until - since));
    for (const revision of new Set([until, Math.min(earlier, until)])) {
      const hashes = await Promise.all(
        clients.map(({ maintenance }) =>
          maintenance.hashKv(revision, { timeoutMs: 10_000 }).then(
            ({ hash, compactRevision }) => `${hash} (compacted ${compactRevision})`,
            (error: Error) => error.message,
          ),
        ),
      );
      if (new Set(hashes).size !== 1) wrong.push(`HashKV at revision ${revision}: ${hashes.join(", ")}`);
    }
    const expected = history.state.join("\n");
    for (const [at, { kv }] of clients.entries()) {
      const { kvs } = await kv.range({ ...everything, revision: until, serializable: true });
      const is = kvs.map(({ key, value, createRevision, modRevision, version }) =>
        described(fromUtf8(key), { value: fromUtf8(value), createRevision, modRevision, version: Number(version) }),
      );
      if (is.join("\n") !== expected)
        wrong.push(`${endpoints[at]} at ${until} has:\n${is.join("\n")}\nnot:\n${expected}`);
    }
    return wrong;
  } catch (error) {
    // A member that does not answer, or that is not where the others are.
    return [...wrong, (error as Error).message];
  } finally {
    await Promise.all(clients.map((client) => client.close()));
  }
}

/** The index of the member that leads, as most say, if there is one. */
export async function leaderAmong(clients: readonly EtcdClient[]): Promise<number | undefined> {
  const statuses = await Promise.all(
    clients.map(({ maintenance }) => maintenance.status({ timeoutMs: 500 }).catch(() => undefined)),
  );
  const at = statuses.findIndex((status) => status !== undefined && status.leader === status.header?.memberId);
  return at < 0 ? undefined : at;
}
