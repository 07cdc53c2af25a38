// Usage: npm run bench -- NAME [flags]     NAME: checkers, cluster, fairness, http2, network, scale, scheduler, store. `npm run bench -- NAME --help` explains one.
const benches: Readonly<Record<string, () => Promise<{ main(args: string[]): Promise<void> }>>> = {
  checkers: () => import("./checkers.ts"),
  cluster: () => import("./cluster.ts"),
  fairness: () => import("./fairness.ts"),
  http2: () => import("./http2.ts"),
  network: () => import("./network.ts"),
  scale: () => import("./scale.ts"),
  scheduler: () => import("./scheduler.ts"),
  store: () => import("./store.ts"),
};

const [name, ...args] = process.argv.slice(2);
const load = name === undefined ? undefined : benches[name];
if (load === undefined) {
  console.error(`usage: npm run bench -- NAME, with NAME one of: ${Object.keys(benches).join(", ")}`);
  process.exit(2);
}
// What was started is ended on the way out.
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(1));
await (await load()).main(args);
