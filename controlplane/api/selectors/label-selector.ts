import type { LabelSelector } from "../types/meta/selector.ts";
import { isLabelValue, isQualifiedName } from "../validation/formats.ts";

export type Labels = Readonly<Record<string, string>> | undefined;

export type Operator = "=" | "!=" | "in" | "notin" | "exists" | "!" | ">" | "<";

/** One condition on one label. `values` is sorted and holds each value once. */
export interface Requirement {
  readonly key: string;
  readonly operator: Operator;
  readonly values: readonly string[];
}

/** Requirements that must all hold: none of them chooses everything. `"nothing"` chooses nothing. */
export type Selector = readonly Requirement[] | "nothing";

export const everything: Selector = [];

/** Either the selector, or the sentence to answer with. */
export type SelectorResult =
  | { readonly ok: true; readonly selector: Selector }
  | { readonly ok: false; readonly message: string };

export function matchesLabels(selector: Selector, labels: Labels): boolean {
  return selector !== "nothing" && selector.every((requirement) => isMet(requirement, labels));
}

function isMet({ key, operator, values }: Requirement, labels: Labels): boolean {
  const value = labels !== undefined && Object.hasOwn(labels, key) ? labels[key] : undefined;
  switch (operator) {
    case "=":
    case "in":
      return value !== undefined && values.includes(value);
    // An object without the label does not have the unwanted value either.
    case "!=":
    case "notin":
      return value === undefined || !values.includes(value);
    case "exists":
      return value !== undefined;
    case "!":
      return value === undefined;
    case ">":
    case "<": {
      if (value === undefined || !isInteger(value)) return false;
      const [found, bound] = [BigInt(value), BigInt(values[0] as string)];
      return operator === ">" ? found > bound : found < bound;
    }
  }
}

const operators = { In: "in", NotIn: "notin", Exists: "exists", DoesNotExist: "!" } as const;

/** The selector of a Deployment, Job, PodDisruptionBudget…: absent chooses nothing, empty chooses everything. */
export function fromLabelSelector(selector: LabelSelector | undefined): SelectorResult {
  if (selector === undefined) return { ok: true, selector: "nothing" };
  const requirements: Requirement[] = [];
  for (const [key, value] of Object.entries(selector.matchLabels ?? {})) {
    requirements.push({ key, operator: "=", values: [value] });
  }
  for (const { key, operator, values } of selector.matchExpressions ?? []) {
    if (!Object.hasOwn(operators, operator)) {
      return { ok: false, message: `${JSON.stringify(operator)} is not a valid label selector operator` };
    }
    requirements.push({ key, operator: operators[operator], values: [...new Set(values)].sort() });
  }
  const message = requirements.map(misuse).find((complaint) => complaint !== undefined);
  return message === undefined ? { ok: true, selector: requirements } : { ok: false, message };
}

/** Whether `labels` are chosen; a selector that makes no sense, which validation keeps out of the store, chooses nothing. */
export function selects(selector: LabelSelector | undefined, labels: Labels): boolean {
  const result = fromLabelSelector(selector);
  return result.ok && matchesLabels(result.selector, labels);
}

/** As it would be typed: `app=web,tier in (a,b),!legacy`. Status of scale carries selectors in this form. */
export function formatSelector(selector: Selector): string {
  if (selector === "nothing") return "<none>";
  return [...selector]
    .sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0))
    .map(({ key, operator, values }) => {
      if (operator === "exists") return key;
      if (operator === "!") return `!${key}`;
      if (operator === "in" || operator === "notin") return `${key} ${operator} (${values.join(",")})`;
      return `${key}${operator}${values[0]}`;
    })
    .join(",");
}

/** What is wrong with a requirement, in the words of a 400 answer; undefined: nothing. */
export function misuse({ key, operator, values }: Requirement): string | undefined {
  const complaints: string[] = [];
  const wrongKey = isQualifiedName(key);
  if (wrongKey.length > 0) complaints.push(`key: Invalid value: ${JSON.stringify(key)}: ${wrongKey.join("; ")}`);
  if ((operator === "in" || operator === "notin") && values.length === 0) {
    complaints.push("values: Invalid value: []: for 'in', 'notin' operators, values set can't be empty");
  }
  if ((operator === "exists" || operator === "!") && values.length > 0) {
    const shown = JSON.stringify(values);
    complaints.push(`values: Invalid value: ${shown}: values set must be empty for exists and does not exist`);
  }
  for (const [index, value] of values.entries()) {
    if ((operator === ">" || operator === "<") && !isInteger(value)) {
      const rule = "for 'Gt', 'Lt' operators, the value must be an integer";
      complaints.push(`values[${index}]: Invalid value: ${JSON.stringify(value)}: ${rule}`);
    }
    const wrongValue = isLabelValue(value);
    if (wrongValue.length > 0) {
      complaints.push(`values[${index}][${key}]: Invalid value: ${JSON.stringify(value)}: ${wrongValue.join("; ")}`);
    }
  }
  return complaints.length > 1 ? `[${complaints.join(", ")}]` : complaints[0];
}

function isInteger(text: string): boolean {
  return /^[+-]?\d+$/.test(text);
}
