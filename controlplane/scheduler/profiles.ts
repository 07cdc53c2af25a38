import type { Random } from "../../base/mod.ts";
import type { Pod } from "../api/mod.ts";
import type { Cluster } from "./cluster.ts";
import { NodeFinder } from "./find-node.ts";
import type { ClusterEventKind } from "./framework/events.ts";
import { Framework, type Profile } from "./framework/framework.ts";
import type { Plugin } from "./framework/plugin.ts";
import type { PodInfo } from "./pod-info.ts";
import { defaultSchedulerName } from "./profile.ts";
import type { QueuedPod, QueuePlugins } from "./queue/scheduling-queue.ts";

export function schedulerNameOf(pod: Pod): string {
  return pod.spec?.schedulerName || defaultSchedulerName;
}

/** A profile at work. */
export interface ActiveProfile {
  readonly framework: Framework;
  readonly finder: NodeFinder;
  readonly byName: ReadonlyMap<string, Plugin>;
}

/** One process may schedule for several names, each with plugins of its own; all share one queue, in one order. */
export class Profiles implements QueuePlugins {
  readonly #profiles = new Map<string, ActiveProfile>();
  readonly #order: Framework;
  readonly #listeners = new Map<ClusterEventKind, Set<string>>();

  constructor(profiles: readonly Profile[], cluster: Cluster, random: Random) {
    for (const profile of profiles) {
      const framework = new Framework(profile, cluster, random);
      const plugins = framework.plugins();
      const byName = new Map(plugins.map((plugin) => [plugin.name, plugin]));
      this.#profiles.set(profile.schedulerName, { framework, finder: new NodeFinder(framework, cluster), byName });
      for (const { name, events = [] } of plugins) for (const kind of events) this.#listen(kind, name);
    }
    const [first] = this.#profiles.values();
    if (first === undefined) throw new Error("a scheduler has at least one profile");
    this.#order = first.framework;
  }

  /** Undefined: the pod is for another scheduler. */
  for(pod: Pod): ActiveProfile | undefined {
    return this.#profiles.get(schedulerNameOf(pod));
  }

  compare(a: QueuedPod, b: QueuedPod): number {
    return this.#order.compare(a, b);
  }

  preEnqueue(pod: PodInfo): { readonly plugin: string; readonly message: string } | undefined {
    return this.for(pod.pod)?.framework.preEnqueue(pod);
  }

  of(pod: PodInfo): ReadonlyMap<string, Plugin> {
    return this.for(pod.pod)?.byName ?? new Map();
  }

  listeningTo(kind: ClusterEventKind): ReadonlySet<string> {
    return this.#listeners.get(kind) ?? new Set();
  }

  #listen(kind: ClusterEventKind, name: string): void {
    const names = this.#listeners.get(kind);
    if (names === undefined) this.#listeners.set(kind, new Set([name]));
    else names.add(name);
  }
}
