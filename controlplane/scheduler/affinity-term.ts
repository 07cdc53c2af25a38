import {
  fromLabelSelector,
  type LabelSelector,
  type Labels,
  matchesLabels,
  type Pod,
  type PodAffinityTerm,
  type Requirement,
  type Selector,
} from "../api/mod.ts";
import type { Objects } from "./cluster.ts";
import { interned } from "./interned.ts";

/** A PodAffinityTerm made ready to be asked: which pods it means, and within what. */
export interface AffinityTerm {
  readonly topologyKey: string;
  readonly selector: Selector;
  readonly namespaces: ReadonlySet<string>;
  /** Namespaces by their labels, besides those by name. */
  readonly namespaceSelector: Selector;
}

export interface WeightedAffinityTerm extends AffinityTerm {
  readonly weight: number;
}

/** A selector that validation has let pass; one that makes no sense chooses nothing, as in the original. */
export function selectorOf(selector: LabelSelector | undefined): Selector {
  const result = fromLabelSelector(selector);
  return result.ok ? result.selector : "nothing";
}

/** Adds what the pod's own labels say under `keys`; keys that it lacks are left out. */
export function narrowed(
  selector: Selector,
  keys: readonly string[] | undefined,
  labels: Labels,
  operator: "in" | "notin",
): Selector {
  if (selector === "nothing" || keys === undefined || keys.length === 0) return selector;
  const more: Requirement[] = [];
  for (const key of keys) {
    const value = labels?.[key];
    if (value !== undefined) more.push({ key, operator, values: [value] });
  }
  return more.length === 0 ? selector : [...selector, ...more];
}

/** A term without namespaces means the pod's own (api/core/v1, PodAffinityTerm). */
export function affinityTerm(pod: Pod, term: PodAffinityTerm): AffinityTerm {
  const { labels, namespace = "" } = pod.metadata;
  const named = term.namespaces ?? [];
  const own = named.length === 0 && term.namespaceSelector === undefined;
  const matching = narrowed(selectorOf(term.labelSelector), term.matchLabelKeys, labels, "in");
  return {
    topologyKey: interned(term.topologyKey),
    selector: narrowed(matching, term.mismatchLabelKeys, labels, "notin"),
    namespaces: new Set(own ? [namespace] : named),
    namespaceSelector: selectorOf(term.namespaceSelector),
  };
}

/** Whether the term means a pod with these labels in this namespace. Where the pod is, is not asked. */
export function termMatches(term: AffinityTerm, namespace: string, labels: Labels, objects: Objects): boolean {
  if (!matchesLabels(term.selector, labels)) return false;
  if (term.namespaces.has(namespace)) return true;
  if (term.namespaceSelector === "nothing") return false;
  return matchesLabels(term.namespaceSelector, objects.namespaceLabels(namespace) ?? {});
}
