import { LeaseGrantRequest, LeaseKeepAliveRequest, LeaseKeepAliveResponse, Status } from "../proto/mod.ts";
import { Latencies, type Measured } from "./latencies.ts";
import { prepared, RawConnection } from "./raw-client.ts";

export interface LeaseLoad {
  readonly leases: number;
  readonly streams: number;
  readonly seconds: number;
  readonly perSecond: number;
}

const tickMs = 10;
const grantsInFlight = 256;
const ttlSeconds = 600;

/** Grants leases with the ids from `firstId` on. Returns how many calls had to be made again. */
export async function grantLeases(url: string, count: number, firstId = 1): Promise<number> {
  const failed = Promise.withResolvers<never>();
  const connection = await RawConnection.open(url, failed.reject);
  try {
    let next = 0;
    let granted = 0;
    const all = new Promise<void>((resolve) => {
      const grant = () => {
        if (next === count) return;
        const request = LeaseGrantRequest.encode({ id: BigInt(firstId + next++), ttl: ttlSeconds });
        const onDone = () => {
          if (++granted === count) resolve();
          else grant();
        };
        // What was not answered in time may have been granted all the same: then its id is taken.
        const isGranted = (code: number) => code === Status.FailedPrecondition;
        connection.persistent("/etcdserverpb.Lease/LeaseGrant", prepared(request), onDone, isGranted);
      };
      for (let i = 0; i < Math.min(grantsInFlight, count); i++) grant();
    });
    await Promise.race([all, failed.promise]);
    return connection.repeats;
  } finally {
    connection.close();
  }
}

/** Renews `leases` leases in turns, over streams of two connections, so many per second whether or not the store keeps up. */
export async function runLeaseLoad(url: string, load: LeaseLoad): Promise<Measured> {
  const failed = Promise.withResolvers<never>();
  const connections = [await RawConnection.open(url, failed.reject), await RawConnection.open(url, failed.reject)];
  const latencies = new Latencies();
  const total = load.seconds * load.perSecond;
  const done = Promise.withResolvers<void>();
  const renewals = Array.from({ length: load.leases }, (_, i) =>
    prepared(LeaseKeepAliveRequest.encode({ id: BigInt(i + 1) })),
  );
  try {
    const streams = Array.from({ length: load.streams }, (_, i) => {
      // Answers of a stream come in the order of its requests.
      const sentMs: number[] = [];
      const send = (connections[i % connections.length] as RawConnection).stream(
        "/etcdserverpb.Lease/LeaseKeepAlive",
        (bytes, start, end) => {
          latencies.add(performance.now() - (sentMs.shift() as number));
          if (latencies.count % 1000 === 0 && LeaseKeepAliveResponse.decodeRange(bytes, start, end).ttl <= 0) {
            failed.reject(new Error("a lease that should live was not renewed"));
          }
          if (latencies.count === total) done.resolve();
        },
      );
      return { send, sentMs };
    });
    const startMs = performance.now();
    let sent = 0;
    const ticker = setInterval(() => {
      const nowMs = performance.now();
      const due = Math.min(total, ((nowMs - startMs) / 1000) * load.perSecond);
      for (; sent < due; sent++) {
        const { send, sentMs } = streams[sent % streams.length] as (typeof streams)[number];
        sentMs.push(nowMs);
        send(renewals[sent % renewals.length] as Uint8Array);
      }
      if (sent === total) clearInterval(ticker);
    }, tickMs);
    await Promise.race([done.promise, failed.promise]);
    const seconds = (performance.now() - startMs) / 1000;
    return { operations: total, perSecond: total / seconds, ...latencies.quantiles() };
  } finally {
    for (const connection of connections) connection.close();
  }
}
