// Usage: npm run soak -- NAME [flags]     NAME: faults. `npm run soak -- NAME --help` explains one.
const soaks: Readonly<Record<string, () => Promise<{ main(args: string[]): Promise<void> }>>> = {
  faults: () => import("../test/soak/faults.ts"),
  rollout: () => import("../test/soak/rollout.ts"),
};

const [name, ...args] = process.argv.slice(2);
const load = name === undefined ? undefined : soaks[name];
if (load === undefined) {
  console.error(`usage: npm run soak -- NAME, with NAME one of: ${Object.keys(soaks).join(", ")}`);
  process.exit(2);
}
await (await load()).main(args);
