import type { Clock, Log, Random } from "../../base/mod.ts";
import { type Client, InformerFactory, systemClock, systemRandom } from "../../controlplane/client/mod.ts";
import { LocalProvisioner } from "./provisioner.ts";
import { VolumeDirectories } from "./volume-directories.ts";

export interface StartProvisionerOptions {
  /** Identity system:flotilla:provisioner. Closed by the caller. */
  readonly client: Client;
  readonly log: Log;
  readonly nodeName: string;
  /** Volumes lie below it; absolute. What is there outlives the process, and pods find it under the same path. */
  readonly rootDir: string;
  readonly clock?: Clock;
  readonly random?: Random;
}

export interface RunningProvisioner {
  stop(): Promise<void>;
}

const flushMs = 1_000;

/** Serves claims of class provisioner `flotilla.dev/local` that were given to this node. Returns at once; works as soon as the API server answers. */
export function startProvisioner(options: StartProvisionerOptions): RunningProvisioner {
  const { client, log, nodeName, clock = systemClock, random = systemRandom } = options;
  const informers = new InformerFactory({ log, clock, random });
  const directories = new VolumeDirectories(options.rootDir);
  const provisioner = new LocalProvisioner({ client, informers, clock, log, nodeName, directories });
  const stopping = new AbortController();
  const { signal } = stopping;
  const work = async () => {
    for await (const item of provisioner.queue.take(signal)) {
      using lease = item;
      await lease.settle(provisioner.reconcile(lease.key, signal));
    }
  };
  informers.start(signal);
  const running = informers
    .synced(signal)
    .then(work)
    .catch((error: Error) => {
      if (!signal.aborted) log("error", "the provisioner ended", { error: error.message });
    });
  return {
    async stop() {
      stopping.abort(new Error("the provisioner stops"));
      provisioner.queue.shutDown();
      await running;
      await informers.stopped();
      // Events are a courtesy: an API server that does not answer must not keep us.
      const { promise: late, resolve } = Promise.withResolvers<void>();
      const timer = clock.after(flushMs, resolve);
      await Promise.race([provisioner.flush(), late]);
      timer.cancel();
    },
  };
}
