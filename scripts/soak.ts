// Usage: npm run soak -- NAME [flags]     NAME: check-perf, faults, rollout, store. `npm run soak -- NAME --help` explains one.
const soaks: Readonly<Record<string, () => Promise<{ main(args: string[]): Promise<void> }>>> = {
  "check-perf": () => import("../test/soak/check-perf.ts"),
  faults: () => import("../test/soak/faults.ts"),
  rollout: () => import("../test/soak/rollout.ts"),
  store: () => import("../test/soak/store.ts"),
};

const [name, ...args] = process.argv.slice(2);
const load = name === undefined ? undefined : soaks[name];
if (load === undefined) {
  console.error(`usage: npm run soak -- NAME, with NAME one of: ${Object.keys(soaks).join(", ")}`);
  process.exit(2);
}
await (await load()).main(args);
