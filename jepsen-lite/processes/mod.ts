// Faults on real processes: `Cluster.start`, `new Faults(cluster)`, and whole runs of workloads under nemeses.
export { type Choice, Prober, type Unfit } from "./choose.ts";
export { Cluster, type ClusterOptions, type Member, type Preparation } from "./cluster.ts";
export { Faults } from "./faults.ts";
export { LoopDisk } from "./loop-disk.ts";
export { nemeses } from "./nemeses/nemeses.ts";
export type { Nemesis, ProbeContext } from "./nemesis.ts";
export type { Weather } from "./network/link.ts";
export { clientsNode } from "./network/network.ts";
export { between, type Cut, type ShapeName, shapeNames, shapes } from "./network/shapes.ts";
export { Observer } from "./observer.ts";
export { type RunOptions, type RunResult, run, type Subject } from "./run.ts";
export { type Store, storeAt } from "./store.ts";
export { markdownOf, readResults, resultsFile, type SuiteOptions, type SuiteResult, suite } from "./suite.ts";
