import { describe, expect, test } from "vitest";
import { toUtf8 } from "../../base/mod.ts";
import { authpb, type Init, InternalRaftRequest } from "../../proto/mod.ts";
import { emptyConfState, noBytes } from "../../raft/mod.ts";
import { Auth } from "../auth/mod.ts";
import { MemberMetrics } from "../metrics/mod.ts";
import { TestState } from "../mvcc/state.testing.ts";
import { Alarms } from "./alarms.ts";
import { CurrentState } from "./current-state.ts";
import type { Snapshots } from "./snapshots.ts";

const log = () => undefined;

/** A member's state, with who may do what to it. */
class Guarded extends TestState {
  auth!: Auth;

  async start(): Promise<this> {
    const { backend } = await this.open();
    this.auth = await Auth.open({ clock: this.clock, log }, backend);
    return this;
  }

  apply(index: number, request: Init<InternalRaftRequest>): void {
    this.auth.apply(InternalRaftRequest.create(request), index);
    this.state.store.setApplied(index, 1);
  }

  /** Why the entry of a write by `username` would not be applied. */
  denialOf(username: string, key: string): string | undefined {
    const header = { id: 1n, username, authRevision: this.auth.store.revision };
    const request = InternalRaftRequest.create({ header, put: { key: toUtf8(key) } });
    return this.auth.enabled ? this.auth.denial(request, { keysOf: () => [] }) : undefined;
  }
}

describe("a member that a snapshot has given another state", () => {
  // etcd#14571: it went on with the users it had known before, none at all, and refused what the others applied.
  test("decides from then on as who made it would", async () => {
    const [leader, follower] = [await new Guarded().start(), await new Guarded().start()];
    const root = { id: 1n, username: "root", authRevision: 1 };
    const perm = { permType: authpb.PermissionType.READWRITE, key: toUtf8("a"), rangeEnd: toUtf8("b") };
    const history: Init<InternalRaftRequest>[] = [
      { authUserAdd: { name: "root", options: { noPassword: true } } },
      { authUserGrantRole: { user: "root", role: "root" } },
      { authUserAdd: { name: "ann", options: { noPassword: true } } },
      { authRoleAdd: { name: "r" } },
      { authRoleGrantPermission: { name: "r", perm } },
      { authUserGrantRole: { user: "ann", role: "r" } },
      { authEnable: {} },
    ];
    for (const [at, request] of history.entries()) leader.apply(at + 1, { header: root, ...request });

    const { clock, home } = follower;
    const current = new CurrentState({
      state: follower.state,
      isLost: false,
      stateOptions: { home, clock, minLeaseTtl: 2, onFailure: log, metrics: new MemberMetrics() },
      alarms: await Alarms.open(follower.state.backend),
      auth: follower.auth,
      log,
    });
    const snapshots = { staged: () => leader.state.backend.exportRecords(), installed: async () => undefined };
    const metadata = { index: history.length, term: 1, confState: emptyConfState() };
    const install = current.install({ data: noBytes, metadata }, snapshots as unknown as Snapshots);
    await Promise.all([leader.until(install), follower.until(install)]);

    const decisions = [leader, follower].map((member) => [
      member.auth.enabled,
      member.auth.store.revision,
      member.denialOf("ann", "a"),
      member.denialOf("ann", "x"),
      member.denialOf("bob", "a"),
    ]);
    expect(decisions[0]).toEqual([true, 7, undefined, "PermissionDenied", "PermissionDenied"]);
    expect(decisions[1]).toEqual(decisions[0]);
  });
});
