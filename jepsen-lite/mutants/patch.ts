import { assert } from "../../base/mod.ts";

/** A change to the text of one module. */
export interface Patch {
  /** From the root of the repository. */
  readonly file: string;
  /** Text that occurs exactly once in the file. */
  readonly find: string;
  readonly replace: string;
}

export function occurrences(source: string, text: string): number {
  assert(text !== "", "a patch finds something");
  return source.split(text).length - 1;
}

/** `source` with all of the patches, which are its file's. */
export function patched(source: string, patches: readonly Patch[]): string {
  return patches.reduce((text, { file, find, replace }) => {
    assert(occurrences(text, find) === 1, `what a patch of ${file} replaces is there once: ${find.slice(0, 80)}`);
    // A function, so that a dollar sign is one.
    return text.replace(find, () => replace);
  }, source);
}
