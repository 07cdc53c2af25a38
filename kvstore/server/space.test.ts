import { setImmediate as nextTurn } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { AlarmAction, type AlarmRequest, AlarmType } from "../../proto/mod.ts";
import { Space, type SpaceHost } from "./space.ts";

const self = 1n;
const quotaBytes = 1000;

/** A member whose database has some size, and which applies at once what it proposes. */
class FullMember {
  sizeBytes = 950;
  compactRevision = -1;
  /** What defragmenting leaves. */
  tidyBytes = 950;
  defragmentations = 0;
  isLeader = false;
  autoDisarmNospace: boolean | undefined;
  alarms: { memberID: bigint; alarm: number }[] = [{ memberID: self, alarm: AlarmType.NOSPACE }];
  readonly #space: Space;
  #nowMs = 0;

  constructor() {
    const member = this;
    const host = {
      id: self,
      quotaBytes,
      log: () => undefined,
      auth: { self: undefined },
      membership: { member: (id: bigint) => (id === self ? {} : undefined) },
      get isLeader() {
        return member.isLeader;
      },
      get options() {
        return { autoDisarmNospace: member.autoDisarmNospace };
      },
      alarms: {
        get active() {
          return member.alarms;
        },
        ofKind: (kind: number) => member.alarms.filter(({ alarm }) => alarm === kind),
      },
      state: {
        store: {
          get compactRevision() {
            return member.compactRevision;
          },
        },
        backend: {
          get sizeBytes() {
            return member.sizeBytes;
          },
          measure: async () => undefined,
          defragment: async () => {
            member.defragmentations++;
            member.sizeBytes = member.tidyBytes;
          },
        },
      },
      proposed: async (_kind: string, { action, memberID, alarm }: AlarmRequest) => {
        expect(action).toBe(AlarmAction.DEACTIVATE);
        member.alarms = member.alarms.filter((one) => one.memberID !== memberID || one.alarm !== alarm);
      },
    };
    this.#space = new Space(host as unknown as SpaceHost);
  }

  async secondsPass(seconds = 1): Promise<void> {
    for (let at = 0; at < seconds; at++) {
      this.#nowMs += 1000;
      this.#space.tick(this.#nowMs);
      await nextTurn();
    }
  }

  get isFull(): boolean {
    return this.alarms.length > 0;
  }
}

describe("NOSPACE", () => {
  test("stays while the database is near its quota, and goes when it has been well below for five seconds", async () => {
    const member = new FullMember();
    await member.secondsPass(10);
    expect(member.isFull).toBe(true);
    member.sizeBytes = 910;
    await member.secondsPass(10);
    expect(member.isFull).toBe(true);
    member.sizeBytes = 900;
    await member.secondsPass(5);
    member.sizeBytes = 910;
    await member.secondsPass(10);
    expect(member.isFull).toBe(true);
    member.sizeBytes = 900;
    await member.secondsPass(5);
    expect(member.isFull).toBe(true);
    await member.secondsPass();
    expect(member.isFull).toBe(false);
  });

  test("goes after a compaction: the disk is tidied, once for each", async () => {
    const member = new FullMember();
    member.compactRevision = 10;
    await member.secondsPass(10);
    expect(member.defragmentations).toBe(1);
    expect(member.isFull).toBe(true);
    member.compactRevision = 20;
    member.tidyBytes = 300;
    await member.secondsPass(6);
    expect([member.defragmentations, member.isFull]).toEqual([2, false]);
  });

  test("of a member that is none any more is taken back by the leader, of another member by nobody else", async () => {
    const member = new FullMember();
    member.alarms = [{ memberID: 99n, alarm: AlarmType.NOSPACE }];
    await member.secondsPass(10);
    expect(member.isFull).toBe(true);
    member.isLeader = true;
    await member.secondsPass(6);
    expect(member.isFull).toBe(false);
  });

  test("is left alone when that is asked for, and so is every other alarm", async () => {
    const member = new FullMember();
    member.sizeBytes = 0;
    member.autoDisarmNospace = false;
    await member.secondsPass(10);
    expect(member.isFull).toBe(true);
    member.autoDisarmNospace = undefined;
    member.alarms = [{ memberID: self, alarm: AlarmType.CORRUPT }];
    await member.secondsPass(10);
    expect(member.isFull).toBe(true);
  });
});
