import { assert } from "../../base/mod.ts";
import type { Frame, TableContent } from "./table.ts";

/** Replaces whatever table is there by its frame alone; in one transaction with what follows it in a script. */
export function freshTable({ table, body }: Frame): string {
  return `${removeTable(table)}table ${table} {\n${body}\n}\n`;
}

/** A table that is not there cannot be deleted: so it is made first. */
export function removeTable(table: string): string {
  return `add table ${table}\ndelete table ${table}\n`;
}

function sameRules(a: readonly string[] | undefined, b: readonly string[]): boolean {
  return a !== undefined && a.length === b.length && a.every((rule, i) => rule === b[i]);
}

/**
 * The smallest script that turns one content into the other; empty when they are equal. New sets and chains come first, as elements and
 * rules refer to them; old ones go last, when nothing refers to them any more. nft applies a script whole or not at all.
 */
export function change(table: string, from: TableContent, to: TableContent): string {
  const lines: string[] = [];
  for (const [name, declaration] of to.sets) {
    const known = from.sets.get(name);
    assert(known === undefined || known === declaration, "a set's declaration never changes");
    if (known === undefined) lines.push(`add set ${table} ${name} { ${declaration} }`);
  }
  const changed = [...to.chains].filter(([name, rules]) => !sameRules(from.chains.get(name), rules));
  for (const [name] of changed) lines.push(`add chain ${table} ${name}`);
  for (const [name, rules] of changed) {
    if (from.chains.has(name)) lines.push(`flush chain ${table} ${name}`);
    for (const rule of rules) lines.push(`add rule ${table} ${name} ${rule}`);
  }
  for (const holder of new Set([...from.elements.keys(), ...to.elements.keys()])) {
    const goesWhole = from.sets.has(holder) && !to.sets.has(holder);
    if (!goesWhole) lines.push(...changeElements(table, holder, from.elements.get(holder), to.elements.get(holder)));
  }
  const obsolete = [...from.chains.keys()].filter((name) => !to.chains.has(name));
  // Chains that go may refer to each other (a service's to its endpoints'): empty all before deleting any.
  for (const name of obsolete) lines.push(`flush chain ${table} ${name}`);
  for (const name of obsolete) lines.push(`delete chain ${table} ${name}`);
  for (const name of from.sets.keys()) if (!to.sets.has(name)) lines.push(`delete set ${table} ${name}`);
  return lines.map((line) => `${line}\n`).join("");
}

type Elements = ReadonlyMap<string, string>;

function changeElements(table: string, holder: string, before: Elements = new Map(), after: Elements = new Map()) {
  const write = ([key, value]: [string, string]) => (value === "" ? key : `${key} : ${value}`);
  const gone = [...before].filter(([key, value]) => after.get(key) !== value);
  const fresh = [...after].filter(([key, value]) => before.get(key) !== value);
  const lines: string[] = [];
  if (gone.length > 0) lines.push(`delete element ${table} ${holder} { ${gone.map(write).join(", ")} }`);
  if (fresh.length > 0) lines.push(`add element ${table} ${holder} { ${fresh.map(write).join(", ")} }`);
  return lines;
}
