import type { HistoricBug } from "../bug.ts";

export const authAppliedTwice: HistoricBug = {
  name: "#11651",
  row: 4,
  versions: "3.4.3 and before",
  title: "entries about users and roles do not move the applied index",
  story:
    "What changed users was written without its index. A restart applied it again, the revision of users and roles became one more than on the other members, and from then on this member alone refused writes as asked for under an old revision. All members have one revision of users and roles, and decide alike.",
  patches: [
    {
      file: "kvstore/server/entry-applier.ts",
      find: "    this.#options.state().store.setApplied(entry.index, entry.term);",
      replace: `    const request = entry.type === EntryType.EntryNormal && entry.data.length > 0 ? decodeRequest(entry.data) : undefined;
    const isAuths = Object.entries(request ?? {}).some(([kind, asked]) => kind.startsWith("auth") && asked !== undefined);
    if (!isAuths) this.#options.state().store.setApplied(entry.index, entry.term);`,
    },
  ],
  scenario: {
    kind: "test",
    file: "kvstore/server/entry-applier.test.ts",
    name: "are applied once, whenever the member goes down: its revision of users and roles is the others'",
  },
};
