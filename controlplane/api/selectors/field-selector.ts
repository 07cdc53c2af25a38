import type { KubeObject, Resource } from "../resources/resource.ts";

interface Term {
  readonly read: (object: KubeObject) => string;
  readonly field: string;
  readonly value: string;
  readonly isEqual: boolean;
}

/** Conditions on fields, all of which must hold. */
export class FieldSelector {
  readonly #terms: readonly Term[];

  constructor(terms: readonly Term[]) {
    this.#terms = terms;
  }

  matches(object: KubeObject): boolean {
    return this.#terms.every(({ read, value, isEqual }) => (read(object) === value) === isEqual);
  }

  get isEmpty(): boolean {
    return this.#terms.length === 0;
  }

  /** The value that a field must have, if the selector demands one: lets a list by name become a get. */
  required(field: string): string | undefined {
    return this.#terms.find((term) => term.field === field && term.isEqual)?.value;
  }
}

export type FieldSelectorResult =
  | { readonly ok: true; readonly selector: FieldSelector }
  | { readonly ok: false; readonly message: string };

/**
 * Reads a fieldSelector query parameter, such as `spec.nodeName=a,status.phase!=Running`. Which fields can be asked for differs by
 * kind. `\` escapes a comma, an equals sign or itself in a value.
 */
export function parseFieldSelector(text: string, resource: Resource): FieldSelectorResult {
  const terms: Term[] = [];
  for (const part of splitTerms(text)) {
    if (part === "") continue;
    const split = /^(.*?)(!=|==|=)(.*)$/s.exec(part);
    if (split === null) return refuse(`invalid selector: '${text}'; can't understand '${part}'`);
    const [, field, operator, escaped] = split as unknown as [string, string, string, string];
    const value = unescapeValue(escaped);
    if (!value.ok) return value;
    const read = readerOf(field, resource);
    if (read === undefined) return refuse(unknownField(field, resource));
    terms.push({ read, field, value: value.text, isEqual: operator !== "!=" });
  }
  return { ok: true, selector: new FieldSelector(terms) };
}

function readerOf(field: string, resource: Resource): Term["read"] | undefined {
  if (Object.hasOwn(resource.selectableFields, field)) return resource.selectableFields[field];
  if (field === "metadata.name") return (object) => object.metadata.name;
  if (field === "metadata.namespace") return (object) => object.metadata.namespace ?? "";
  return undefined;
}

// Kinds with fields of their own answer in other words than those without.
function unknownField(field: string, { selectableFields }: Resource): string {
  const hasOwn = Object.keys(selectableFields).length > 0;
  if (hasOwn) return `field label not supported: ${field}`;
  return `${JSON.stringify(field)} is not a known field selector: only "metadata.name", "metadata.namespace"`;
}

function refuse(message: string): { readonly ok: false; readonly message: string } {
  return { ok: false, message };
}

/** At commas, but not at escaped ones. */
function splitTerms(text: string): string[] {
  return text.match(/(?:\\.|[^,\\]|\\$)+/gs) ?? [];
}

function unescapeValue(escaped: string): { ok: true; text: string } | { ok: false; message: string } {
  const unescaped = /^(?:[^\\,=]|\\[\\,=])*/s.exec(escaped)?.[0] ?? "";
  if (unescaped.length === escaped.length) return { ok: true, text: escaped.replace(/\\(.)/gs, "$1") };
  const rest = escaped.slice(unescaped.length);
  if (rest.startsWith("\\")) return refuse(`invalid field selector: invalid escape sequence: ${rest.slice(0, 2)}`);
  return refuse(`invalid field selector: unescaped character in value: ${rest[0]}`);
}
