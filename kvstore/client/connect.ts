import { authClient } from "./auth.ts";
import { Channel, type ChannelWorld } from "./channel.ts";
import { ClientConnection } from "./client-connection.ts";
import { clusterClient } from "./cluster.ts";
import { kvClient } from "./kv.ts";
import { LeaseRenewals } from "./lease.ts";
import { machineClock } from "./machine-clock.ts";
import { maintenanceClient } from "./maintenance.ts";
import type { EtcdClient, EtcdClientOptions } from "./types.ts";
import { WatchStream } from "./watch.ts";

/** A client. It connects when it is first used. Throws for an endpoint that is none. */
export function connect(options: EtcdClientOptions): EtcdClient {
  return connectIn(
    {
      clock: options.clock ?? machineClock,
      random: { below: (below) => Math.floor(Math.random() * below) },
      dial: (endpoint, settings) => new ClientConnection(endpoint, settings),
    },
    options,
  );
}

/** The same client on another network than the machine's, and in another time. */
export function connectIn(world: ChannelWorld, options: EtcdClientOptions): EtcdClient {
  const channel = new Channel(options, world);
  const watch = new WatchStream(channel);
  const lease = new LeaseRenewals(channel);
  return {
    kv: kvClient(channel),
    watch,
    lease,
    cluster: clusterClient(channel),
    maintenance: maintenanceClient(channel),
    auth: authClient(channel),
    async close() {
      watch.stop();
      lease.stop();
      channel.close();
    },
  };
}
