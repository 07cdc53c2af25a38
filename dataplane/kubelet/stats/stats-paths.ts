import { containerMetrics, resourceMetrics } from "./prometheus.ts";
import type { Sampler } from "./sampler.ts";
import { summary } from "./summary.ts";

export interface StatsAnswer {
  readonly contentType: string;
  readonly body: string;
}

const maxAgeMs = 15_000;
const plain = "text/plain; version=0.0.4; charset=utf-8";

/** Answers the kubelet's paths about usage; undefined: no such path. */
export function statsPaths(
  sampler: Sampler,
  nodeName: string,
  startedAtMs: number,
): (path: string) => Promise<StatsAnswer | undefined> {
  return async (path) => {
    switch (path) {
      case "/stats/summary": {
        const body = JSON.stringify(summary(nodeName, startedAtMs, await sampler.fresh(maxAgeMs)));
        return { contentType: "application/json", body };
      }
      case "/metrics/resource":
        return { contentType: plain, body: resourceMetrics(await sampler.fresh(maxAgeMs)) };
      case "/metrics/cadvisor":
        return { contentType: plain, body: containerMetrics(await sampler.fresh(maxAgeMs)) };
      default:
        return undefined;
    }
  };
}
