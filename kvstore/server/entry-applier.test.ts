import { describe, expect, test } from "vitest";
import { toUtf8 } from "../../base/mod.ts";
import { authpb, type Init, InternalRaftRequest, raftpb } from "../../proto/mod.ts";
import { EntryType } from "../../raft/mod.ts";
import { Auth } from "../auth/mod.ts";
import { MemberMetrics } from "../metrics/mod.ts";
import { fail } from "../mvcc/mod.ts";
import { TestState } from "../mvcc/state.testing.ts";
import { Applied } from "./applied.testing.ts";
import { EntryApplier, type EntryApplierOptions } from "./entry-applier.ts";

const { ConfChangeAddLearnerNode, ConfChangeAddNode } = raftpb.ConfChangeType;

describe("members that were proposed in the same moment, through different members", () => {
  const asked = (id: bigint, isLearner: boolean, maxLearners?: number) => {
    const member = { id, name: "", peerUrls: [`http://m${id}:1`], clientUrls: [], isLearner };
    return { member, isPromote: false, maxLearners };
  };

  test("are refused from the first learner on that is one too many, and Raft hears of nobody", () => {
    const applied = new Applied(); // two learners
    applied.change(91n, ConfChangeAddLearnerNode, 4n, asked(4n, true, 3));
    applied.change(92n, ConfChangeAddLearnerNode, 5n, asked(5n, true, 3));
    expect(applied.settled.get(92n)).toEqual(fail("TooManyLearners"));
    expect([applied.learners, applied.node.confState.learners]).toEqual([
      [2n, 3n, 4n],
      [2n, 3n, 4n],
    ]);
  });

  test("are let in as voters, however many learners there are, and as learners where the entry names no limit", () => {
    const applied = new Applied();
    applied.change(91n, ConfChangeAddNode, 4n, asked(4n, false, 1));
    applied.change(92n, ConfChangeAddLearnerNode, 5n, asked(5n, true));
    expect(applied.membership.members.map(({ id }) => id)).toEqual([1n, 2n, 3n, 4n, 5n]);
  });
});

describe("entries about users and roles", () => {
  /** A member whose log is given to it, from where its state ends. */
  class Guarded extends TestState {
    auth!: Auth;
    #applier!: EntryApplier;

    async start(): Promise<this> {
      const { backend } = await this.open();
      this.auth = await Auth.open({ clock: this.clock, log: () => undefined }, backend);
      this.#applier = new EntryApplier({
        state: () => this.state,
        alarms: { active: [] },
        auth: this.auth,
        clock: this.clock,
        metrics: new MemberMetrics(),
        settle: () => undefined,
      } as unknown as EntryApplierOptions);
      return this;
    }

    replay(log: readonly Init<InternalRaftRequest>[]): void {
      for (let index = this.state.store.applied.index + 1; index <= log.length; index++) {
        const data = InternalRaftRequest.encode(log[index - 1] as Init<InternalRaftRequest>);
        this.#applier.apply({ type: EntryType.EntryNormal, term: 1, index, data });
      }
    }
  }

  // etcd#11651: applied again after a restart, they made one revision more than on the other members, and writes were refused on one.
  test("are applied once, whenever the member goes down: its revision of users and roles is the others'", async () => {
    const grant = (key: string): Init<InternalRaftRequest> => ({
      authRoleGrantPermission: {
        name: "r",
        perm: { permType: authpb.PermissionType.READWRITE, key: toUtf8(key), rangeEnd: toUtf8("") },
      },
    });
    const log = [{ authRoleAdd: { name: "r" } }, { put: { key: toUtf8("k") } }, grant("a"), grant("b")];
    const [steady, restarted] = [await new Guarded().start(), await new Guarded().start()];
    for (let end = 1; end <= log.length; end++) {
      for (const member of [steady, restarted]) member.replay(log.slice(0, end));
      await restarted.until(restarted.state.backend.commit());
      await restarted.start(); // what it had in memory is gone
      restarted.replay(log.slice(0, end));
      expect(restarted.auth.store.revision).toBe(steady.auth.store.revision);
    }
    expect(restarted.state.store.applied).toEqual({ index: log.length, term: 1 });
  });
});
