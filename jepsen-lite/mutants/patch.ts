// Nothing of the store is imported here, not even its assertions: a module that is loaded before the patches are in place stays as it is.

/** A change to the text of one module. */
export interface Patch {
  /** From the root of the repository. */
  readonly file: string;
  /** Text that occurs exactly once in the file. */
  readonly find: string;
  readonly replace: string;
}

export function occurrences(source: string, text: string): number {
  if (text === "") throw new Error("a patch finds something");
  return source.split(text).length - 1;
}

/** `source` with all of the patches, which are its file's. */
export function patched(source: string, patches: readonly Patch[]): string {
  return patches.reduce((text, { file, find, replace }) => {
    if (occurrences(text, find) !== 1) throw new Error(`what a patch of ${file} replaces is there once: ${find}`);
    // A function, so that a dollar sign is one.
    return text.replace(find, () => replace);
  }, source);
}
