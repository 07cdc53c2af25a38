import { maxNodeScore } from "../framework/plugin.ts";

export interface ResourceWeight {
  readonly name: string;
  readonly weight: number;
}

/** What every machine has. Of other resources, extended ones and huge pages, a pod that asks for none is not judged by. */
export const native: ReadonlySet<string> = new Set(["cpu", "memory", "ephemeral-storage"]);

/** A point of a piecewise linear function: utilisation in percent, score 0..10. */
export interface ShapePoint {
  readonly utilization: number;
  readonly score: number;
}

/** A node's points, given how much of each resource would be requested and how much there is. Resources that a node lacks do not count. */
export type Strategy = (requested: readonly number[], allocatable: readonly number[]) => number;

type OneResource = (requested: number, allocatable: number) => number;

/** The mean of all resources' points, by their weights, cut to a whole number. */
function weightedMean(weights: readonly number[], points: OneResource): Strategy {
  return (requested, allocatable) => {
    let sum = 0;
    let total = 0;
    for (let i = 0; i < weights.length; i++) {
      const amount = allocatable[i] as number;
      if (amount === 0) continue;
      const weight = weights[i] as number;
      sum += points(requested[i] as number, amount) * weight;
      total += weight;
    }
    return total === 0 ? 0 : Math.floor(sum / total);
  };
}

/** (allocatable - requested) x 100 / allocatable; 0 for a resource that would be overcommitted. */
export function leastAllocated(weights: readonly number[]): Strategy {
  return weightedMean(weights, (requested, allocatable) =>
    requested > allocatable ? 0 : Math.floor(((allocatable - requested) * maxNodeScore) / allocatable),
  );
}

/** requested x 100 / allocatable, at most 100: fills nodes one after the other. */
export function mostAllocated(weights: readonly number[]): Strategy {
  return weightedMean(weights, (requested, allocatable) =>
    Math.floor((Math.min(requested, allocatable) * maxNodeScore) / allocatable),
  );
}

/**
 * The shape's value at requested x 100 / allocatable, ten times as large. Resources with 0 points do not count in the mean, which is rounded:
 * quirks of the original (requested_to_capacity_ratio.go).
 */
export function requestedToCapacityRatio(weights: readonly number[], shape: readonly ShapePoint[]): Strategy {
  const scale = maxNodeScore / 10;
  return (requested, allocatable) => {
    let sum = 0;
    let total = 0;
    for (let i = 0; i < weights.length; i++) {
      const amount = allocatable[i] as number;
      if (amount === 0) continue;
      const used = Math.floor((Math.min(requested[i] as number, amount) * 100) / amount);
      const points = brokenLinear(shape, scale, used);
      if (points <= 0) continue;
      sum += points * (weights[i] as number);
      total += weights[i] as number;
    }
    return total === 0 ? 0 : Math.round(sum / total);
  };
}

/** Straight lines between the points, level outside of them. */
function brokenLinear(shape: readonly ShapePoint[], scale: number, at: number): number {
  for (const [i, point] of shape.entries()) {
    if (at > point.utilization) continue;
    const before = shape[i - 1];
    if (before === undefined) return point.score * scale;
    const rise = (point.score - before.score) * scale * (at - before.utilization);
    return before.score * scale + Math.trunc(rise / (point.utilization - before.utilization));
  }
  return (shape.at(-1)?.score ?? 0) * scale;
}
