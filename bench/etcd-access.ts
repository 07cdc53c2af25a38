import { connect } from "../kvstore/client/mod.ts";

/** What the benchmarks ask a store besides the load itself. */
export interface EtcdAccess {
  /** The store's current revision. */
  revision(): Promise<number>;
  /** The URL, out of those given, of the member that leads. */
  leaderUrl(): Promise<string>;
  close(): Promise<void>;
}

export function openStore(urls: readonly string[]): EtcdAccess {
  const client = connect({ endpoints: [...urls] });
  return {
    async revision() {
      const { header } = await client.kv.range({ key: new TextEncoder().encode("bench"), limit: 1, countOnly: true });
      if (header === undefined) throw new Error("a response without a header");
      return header.revision;
    },
    async leaderUrl() {
      for (const endpoint of urls) {
        const { header, leader } = await client.maintenance.status({ endpoint });
        if (header?.memberId === leader) return endpoint;
      }
      throw new Error("no member leads");
    },
    close: () => client.close(),
  };
}
