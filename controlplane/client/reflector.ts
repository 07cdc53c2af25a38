import type { Clock, Log, Random } from "../../base/mod.ts";
import { isExpired } from "./api-error.ts";
import { Backoff } from "./backoff.ts";
import type { KubernetesObject } from "./kubernetes-object.ts";
import type { ResourceClient, WatchEvent } from "./resource-client.ts";
import { sleep } from "./sleep.ts";

/** Who is kept up to date. */
export interface ReflectorTarget<T> {
  /** All there is: what is not among these is gone. */
  replace(objects: readonly T[]): void;
  apply(event: WatchEvent<T>): void;
}

export interface ReflectorOptions {
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

/**
 * As client-go, but from 0.2 to 3 s instead of from 0.8 to 30, and forgiven after 10 s instead of two minutes: a cluster on
 * one machine should be whole again as soon as its server is, also when that fails again and again.
 */
const backoffOptions = { initialMs: 200, factor: 2, maxMs: 3_000, jitter: 1, resetAfterMs: 10_000 };
/** A watch is asked to end after 5 to 10 minutes, so that clients spread over the servers again. */
const minWatchSeconds = 300;

/**
 * Lists, then watches from there on, for ever: a watch that ends resumes at the last version seen (bookmarks move it too),
 * one that is too old (410) lists again, any failure waits with growing delays. Returns when the signal aborts.
 */
export async function reflect<T extends KubernetesObject>(
  client: ResourceClient<T>,
  target: ReflectorTarget<T>,
  options: ReflectorOptions,
  signal: AbortSignal,
): Promise<void> {
  const { clock, random, log, namespace, labelSelector, fieldSelector } = options;
  const select = { namespace, labelSelector, fieldSelector, signal };
  const backoff = new Backoff(backoffOptions, clock, random);
  const { plural } = client.definition;
  /** Undefined: a list is due. */
  let version: string | undefined;
  /** The first list may come from any cache; after history was lost it must not go back in time. */
  let listFrom: string | undefined = "0";
  while (!signal.aborted) {
    try {
      if (version === undefined) {
        const list = await client.listAll({ ...select, resourceVersion: listFrom });
        target.replace(list.items);
        version = list.metadata.resourceVersion;
        listFrom = version;
      }
      const startedAtMs = clock.monotonic();
      let events = 0;
      const timeoutSeconds = minWatchSeconds + random.below(minWatchSeconds);
      const watch = client.watch({ ...select, resourceVersion: version, allowWatchBookmarks: true, timeoutSeconds });
      for await (const event of watch) {
        events++;
        if (event.type !== "BOOKMARK") target.apply(event);
        version = event.object.metadata.resourceVersion;
      }
      if (signal.aborted) return;
      // A server that accepts watches only to end them at once must not be asked in a tight loop.
      if (events === 0 && clock.monotonic() - startedAtMs < 1000) await sleep(clock, backoff.next(), signal);
    } catch (error) {
      if (signal.aborted) return;
      if (isExpired(error)) {
        log("debug", "watch history is gone, listing again", { resource: plural, resourceVersion: version });
        version = undefined;
        listFrom = undefined;
        continue;
      }
      const delayMs = backoff.next();
      log("warn", "list or watch failed", {
        resource: plural,
        error: (error as Error).message,
        retryMs: Math.round(delayMs),
      });
      await sleep(clock, delayMs, signal).catch(() => undefined);
    }
  }
}
