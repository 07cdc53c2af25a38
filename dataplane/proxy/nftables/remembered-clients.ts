import type { TableContent } from "../../nftables/mod.ts";

interface ListedSet {
  readonly name: string;
  readonly table: string;
  readonly elem?: readonly ({ readonly elem?: { readonly val?: string; readonly expires?: number } } | string)[];
}

/**
 * From what `nft -j list sets` prints, the script that puts clients of session affinity back into their sets, for the time they have
 * left: a table written anew would have forgotten them. Sets that are not wanted any more are passed over.
 */
export function rememberedClients(listing: string, table: string, wanted: TableContent): string {
  const { nftables } = JSON.parse(listing) as { nftables: readonly { readonly set?: ListedSet }[] };
  const lines: string[] = [];
  for (const { set } of nftables) {
    if (set === undefined || !wanted.sets.has(set.name)) continue;
    const clients = (set.elem ?? []).flatMap((element) => {
      const { val, expires = 0 } = (typeof element === "string" ? undefined : element.elem) ?? {};
      return val !== undefined && expires > 0 ? [`${val} expires ${expires}s`] : [];
    });
    if (clients.length > 0) lines.push(`add element ${table} ${set.name} { ${clients.join(", ")} }\n`);
  }
  return lines.join("");
}
