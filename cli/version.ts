import { readFileSync } from "node:fs";
import { join } from "node:path";
import { say } from "./output.ts";

/** The versions that clients are told, unless a flag says otherwise; see COMPATIBILITY.md. */
export const reported = { etcd: "3.7.0", kubernetes: "v1.33.4" } as const;

/** This program's. */
export function programVersion(): string {
  const text = readFileSync(join(import.meta.dirname, "..", "package.json"), "utf8");
  return (JSON.parse(text) as { version: string }).version;
}

export async function main(args: string[]): Promise<void> {
  const all = { flotilla: programVersion(), ...reported, node: process.version };
  if (args.includes("-o") && args.includes("json")) return say(JSON.stringify(all, undefined, 2));
  for (const [name, value] of Object.entries(all)) say(`${name.padEnd(12)} ${value}`);
}
