import { registerHooks } from "node:module";
import { fileURLToPath, pathToFileURL } from "node:url";
import { type Patch, patched } from "./patch.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

/**
 * From now on this process loads the patched text of modules. Only for a process that was started for that and has not loaded them yet:
 * production code knows of no switch, and no build of it can contain one. Gives which patched files were loaded so far.
 */
export function installPatches(patches: readonly Patch[]): ReadonlySet<string> {
  const byUrl = new Map<string, Patch[]>();
  for (const patch of patches) {
    const url = pathToFileURL(`${root}${patch.file}`).href;
    byUrl.set(url, [...(byUrl.get(url) ?? []), patch]);
  }
  const loaded = new Set<string>();
  registerHooks({
    load(url, context, nextLoad) {
      const result = nextLoad(url, context);
      const own = byUrl.get(url);
      if (own === undefined) return result;
      const { source } = result;
      if (source === null || source === undefined) throw new Error(`${url} has a source text`);
      loaded.add(own[0]!.file);
      const text = typeof source === "string" ? source : Buffer.from(source as Uint8Array).toString();
      return { ...result, source: patched(text, own) };
    },
  });
  return loaded;
}
