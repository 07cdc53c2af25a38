import { bank as judge } from "../checkers/mod.ts";
import { type Found, readTogether, writeUnlessChanged } from "./guarded.ts";
import { bytes, nothing, performRead, performWrite, text } from "./perform.ts";
import type { Workload, WorkloadClient, WorkloadContext, WorkloadDefinition } from "./workload.ts";

const accounts = ["b0", "b1", "b2", "b3", "b4"];
/** What an account holds that nobody has touched yet: so nobody has to open any. */
const initial = 20;
/** Of accounts, however many are read. */
const everything = { key: bytes("b"), rangeEnd: bytes("c") };

/** Money moves between accounts, by transactions; whoever looks at all of them at one moment, be it a past one, finds the same sum. */
export const bank: WorkloadDefinition = {
  name: "bank",
  summary: "move money between accounts and read all of them",
  start,
  judge: (history) => [judge(history, { accounts, total: accounts.length * initial })],
};

function start(context: WorkloadContext): Workload {
  /** Newest revision that anybody was told of. */
  let newest = 1;

  async function transfer(client: WorkloadClient): Promise<void> {
    const from = client.chance.pick(accounts);
    const to = client.chance.pick(accounts.filter((other) => other !== from));
    const amount = client.chance.between(1, 5);
    await performWrite(context, client, "transfer", { from, to, amount }, async () => {
      const found = await readTogether(client, [from, to]);
      const [source, target] = found.map(balanceOf) as [number, number];
      if (source < amount) return nothing;
      const next = new Map([
        [from, String(source - amount)],
        [to, String(target + amount)],
      ]);
      return (await writeUnlessChanged(client, found, next)) ? { from, to, amount } : nothing;
    });
  }

  async function read(client: WorkloadClient): Promise<void> {
    // Old or merely what one member has: in each there is all the money.
    const revision = client.chance.percent(30) ? Math.max(1, newest - client.chance.below(10)) : 0;
    const serializable = client.chance.percent(30);
    await performRead(context, client, "read", { revision, serializable }, async () => {
      const { header, kvs } = await client.etcd.kv.range({ ...everything, revision, serializable });
      newest = Math.max(newest, header?.revision ?? 0);
      const told = new Map(kvs.map(({ key, value }) => [text(key), Number(text(value))]));
      const balances = [...new Set([...accounts, ...told.keys()])].map((name) => [name, told.get(name) ?? initial]);
      return { balances: Object.fromEntries(balances) };
    });
  }

  return {
    step: (client) => (client.chance.percent(60) ? transfer(client) : read(client)),
    finish: read,
  };
}

function balanceOf({ value }: Found): number {
  return Number(value ?? initial);
}
