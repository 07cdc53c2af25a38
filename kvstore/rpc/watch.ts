import type { Clock } from "../../base/mod.ts";
import { type EtcdErrorName, type ResponseHeader, type WatchCreateRequest, WatchService } from "../../proto/mod.ts";
import type { Counter } from "../metrics/mod.ts";
import type { WatchHub } from "../mvcc/mod.ts";
import { rpcError } from "./errors.ts";
import { type Call, type Implementation, implement } from "./grpc/mod.ts";
import { WatchHeads } from "./watch-heads.ts";
import { WatchStream } from "./watch-stream.ts";

export interface WatchServiceOptions {
  readonly hub: WatchHub;
  readonly clock: Clock;
  /** Who answers and in which term; the revision is filled in here. */
  readonly header: () => Omit<ResponseHeader, "revision">;
  /** Largest message of a watch that asked for fragments. etcd's is max-request-bytes + 512 KiB. */
  readonly maxFragmentBytes: number;
  /** Time between progress notifications to watchers that asked for them. etcd's default is 10 minutes. */
  readonly progressIntervalMs: number;
  /** Up to a tenth is added to the interval, so that streams do not tick in step. In [0, 1). */
  readonly jitter: () => number;
  /** Counts what was sent. */
  readonly sentEvents?: Counter;
  /** Whether the caller may watch these keys; if not, why not. Asked once, when the watch is created. */
  readonly mayWatch?: (call: Call, request: WatchCreateRequest) => EtcdErrorName | undefined;
  /** For streams that require a leader (`hasleader`): whether there is one, and a call to `lost` when there has been none
   * for some election timeouts. Returns how to stop listening. */
  readonly hasLeader: () => boolean;
  readonly onLeaderLost: (lost: () => void) => () => void;
}

export interface WatchServer {
  readonly implementation: Implementation;
  /** Open now. */
  readonly streams: number;
  /** Ends all streams: the member stops. */
  stop(): void;
}

/** The Watch service: every call a stream that carries any number of watches. */
export function watchServer(options: WatchServiceOptions): WatchServer {
  const streams = new Set<WatchStream>();
  const heads = new WatchHeads(options.header);
  const implementation = implement(WatchService, {
    watch(call) {
      const requiresLeader = call.metadata("hasleader") === "true";
      if (requiresLeader && !options.hasLeader()) throw rpcError("NoLeader");
      const stream = new WatchStream(call, options, heads);
      streams.add(stream);
      const stopListening = requiresLeader ? options.onLeaderLost(() => stream.fail("NoLeader")) : undefined;
      stream.onClosed = () => {
        streams.delete(stream);
        stopListening?.();
      };
      return stream;
    },
  });
  return {
    implementation,
    get streams() {
      return streams.size;
    },
    stop() {
      for (const stream of streams) stream.fail("Stopped");
    },
  };
}
