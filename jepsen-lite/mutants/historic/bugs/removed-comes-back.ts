import type { HistoricBug } from "../bug.ts";

export const removedComesBack: HistoricBug = {
  name: "#20340",
  row: 19,
  versions: "3.6",
  title: "members that were removed are there again after a restart",
  story:
    "Two places kept the members, and disagreed on who was removed: after a restart, an upgrade or a snapshot some came back, panicked the start or took part in votes. Who is a member is written once, with the entry that says so.",
  patches: [
    {
      file: "kvstore/server/membership.ts",
      find: `    this.#records.delete("members", hex(id));
    this.#records.put("members_removed", hex(id), toUtf8("removed"));
    this.#list();`,
      replace: `    this.#records.put("members_removed", hex(id), toUtf8("removed"));
    this.#onChange?.();`,
    },
  ],
  scenario: {
    kind: "test",
    file: "kvstore/server/server.test.ts",
    name: "survives a restart: members, who was removed, the version, the configuration",
  },
};
