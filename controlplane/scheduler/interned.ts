/** By content; forgotten as a whole when there are many. */
const known = new Map<string, string>();
const mostKnown = 10_000;

/**
 * The same text as a property key of the engine. A text that was read from JSON as a value has to be looked up in the engine's table each time it is
 * used as a key, which costs four times the rest of a walk over the labels of 5,000 nodes.
 */
export function interned(text: string): string {
  let key = known.get(text);
  if (key === undefined) {
    [key = text] = Object.keys({ [text]: true });
    if (known.size >= mostKnown) known.clear();
    known.set(key, key);
  }
  return key;
}
