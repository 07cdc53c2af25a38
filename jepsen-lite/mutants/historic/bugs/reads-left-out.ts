import type { HistoricBug } from "../bug.ts";

export const readsLeftOut: HistoricBug = {
  name: "#18667, #21432",
  row: 12,
  versions: "all with v3",
  title: "a transaction's reads are left out where nobody waits for them",
  story:
    "Only the member that the client is connected to has use for what a transaction reads, so the others left the reads out. But a read of a compacted revision makes the transaction fail: there it failed whole, on the other members it wrote. An entry does the same everywhere.",
  patches: [
    {
      file: "kvstore/server/entry-applier.ts",
      find: "if (request.txn !== undefined) return applier.txn(request.txn);",
      replace: `if (request.txn !== undefined) {
      const writes = (ops: TxnRequest["success"]) => ops.filter(({ requestRange }) => requestRange === undefined);
      const { success, failure } = request.txn;
      const isOwn = this.#options.isWaitedFor?.(request.header?.id ?? request.id) ?? true;
      return applier.txn(isOwn ? request.txn : { ...request.txn, success: writes(success), failure: writes(failure) });
    }`,
    },
    {
      file: "kvstore/server/entry-applier.ts",
      find: "  readonly settle: (id: bigint, outcome: unknown) => void;",
      replace:
        "  readonly settle: (id: bigint, outcome: unknown) => void;\n  readonly isWaitedFor?: (id: bigint) => boolean;",
    },
    {
      file: "kvstore/server/member.ts",
      find: "      settle: (id, outcome) => this.#proposals.settle(id, outcome),",
      replace:
        "      settle: (id, outcome) => this.#proposals.settle(id, outcome),\n      isWaitedFor: (id) => this.#proposals.isWaitedFor(id),",
    },
    {
      file: "kvstore/server/proposals.ts",
      find: "  settle(id: bigint, outcome: unknown): void {",
      replace: `  isWaitedFor(id: bigint): boolean {
    return this.#requests.has(id);
  }

  settle(id: bigint, outcome: unknown): void {`,
    },
  ],
  scenario: {
    kind: "test",
    file: "jepsen-lite/mutants/historic/cluster.test.ts",
    name: "a transaction that reads a compacted revision does nothing, on every member",
  },
};
