// What the API server asks of its store, asked of Debian's etcd and of this project's own.
import { afterAll, beforeAll } from "vitest";
import { machineClock } from "../controlplane/apiserver/machine.ts";
import { EtcdStore } from "../controlplane/apiserver/storage/etcd-store.ts";
import { progressSuite, storeSuite } from "../controlplane/apiserver/storage/store.testing.ts";
import { connect, type EtcdClient } from "../kvstore/client/mod.ts";
import { debianEtcd, flotilla, portsFor, StoreCluster } from "./store-cluster.ts";

const etcd = new StoreCluster(debianEtcd, portsFor(0), 1);
// Under its own version: as an etcd 3.4 its word on progress would not be asked for.
const own = new StoreCluster({ ...flotilla, extraArgs: [] }, portsFor(1), 1);
const clients: EtcdClient[] = [];

beforeAll(() => Promise.all([etcd.start(), own.start()]));

afterAll(async () => {
  await Promise.all(clients.map((client) => client.close()));
  await Promise.all([etcd.remove(), own.remove()]);
});

/** A client of its own for each test, and a prefix. */
const openOn = (cluster: StoreCluster) => async () => {
  const client = connect({ endpoints: [cluster.endpoints] });
  clients.push(client);
  return { store: new EtcdStore(client, machineClock, () => undefined), prefix: `/suite/${clients.length}/` };
};

storeSuite("Debian's etcd", openOn(etcd));
storeSuite("the store of this project", openOn(own));
progressSuite("the store of this project", openOn(own));
