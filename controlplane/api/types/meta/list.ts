import { always, list, one, required, string } from "../../schema/dsl.ts";
import type { KindMessage, Message } from "../../schema/field.ts";
import { ListMeta } from "./object-meta.ts";

export interface ListOf<T> {
  apiVersion?: string;
  kind?: string;
  metadata: ListMeta;
  items: T[];
}

/** Every stored kind has a list kind of the same shape. */
export function listOf<T>(items: Message<T> & Pick<KindMessage<T>, "gvk">): KindMessage<ListOf<T>> {
  const { gvk } = items;
  return {
    name: `${items.name}List`,
    fullName: `${items.fullName}List`,
    doc: `A list of ${items.name} objects.`,
    gvk: { ...gvk, kind: `${gvk.kind}List` },
    fields: {
      kind: string(0),
      apiVersion: string(0),
      metadata: required(one<ListMeta>(1, ListMeta, always)),
      items: required(list<T>(2, items)),
    },
  };
}
