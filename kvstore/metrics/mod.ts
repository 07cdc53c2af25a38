export { Counter, exponentialBounds, Family, Gauge, Histogram } from "./instruments.ts";
export { MemberMetrics } from "./member-metrics.ts";
export { Registry, type Sample } from "./registry.ts";
