import { createHash } from "node:crypto";
import { setImmediate as nextTurn } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { SnapshotResponse } from "../../proto/mod.ts";
import { type Engine, MemoryHome, revisionKey } from "../mvcc/mod.ts";
import { machineClock } from "../server/machine-clock.ts";
import type { Member } from "../server/member.ts";
import type { StateRuns } from "../snap/mod.ts";
import type { StreamCall } from "./grpc/mod.ts";
import { streamSnapshot } from "./snapshot.ts";

const keys = 3000;
let engine: Engine;
/** Streams that hold on to a state of the engine. */
let held = 0;

beforeEach(async () => {
  engine = await new MemoryHome().open();
  await engine.write(
    Array.from({ length: keys }, (_, at) => ({ key: revisionKey(at + 2, 0, false), value: Buffer.alloc(100, at) })),
  );
  held = 0;
});
afterEach(() => engine.close());

async function* counted(runs: AsyncGenerator<readonly { key: Uint8Array; value: Uint8Array }[]>): StateRuns {
  try {
    for await (const run of runs) {
      yield run.map(({ key, value }) => ({ bucket: "key", key, value }));
      await nextTurn();
    }
  } finally {
    held--;
  }
}

const member = {
  log: () => undefined,
  metrics: { snapshotSeconds: { observe: () => undefined } },
  clock: machineClock,
  state: {
    backend: {
      get: () => Buffer.from("3.7.0"),
      exports: async (count: number) =>
        Array.from({ length: count }, () => {
          held++;
          return counted(engine.scan("", "\xff", 100));
        }),
    },
  },
} as unknown as Member;

/** A client that takes so many messages at a time. */
class Client {
  readonly messages: Omit<SnapshotResponse, "header">[] = [];
  cancelled = false;
  ended = false;
  onDrain: (() => void) | undefined;
  onCancel: (() => void) | undefined;
  readonly #window: number;
  #taken = 0;

  constructor(window: number) {
    this.#window = window;
  }

  write(message: SnapshotResponse): boolean {
    this.messages.push(message);
    return this.messages.length - this.#taken < this.#window;
  }

  end(): void {
    this.ended = true;
  }

  take(): void {
    this.#taken = this.messages.length;
    this.onDrain?.();
  }

  cancel(): void {
    this.cancelled = true;
    this.onCancel?.();
  }

  get asCall(): StreamCall<SnapshotResponse> {
    return this as unknown as StreamCall<SnapshotResponse>;
  }
}

async function turns(count: number): Promise<void> {
  for (let at = 0; at < count; at++) await nextTurn();
}

describe("the Snapshot call", () => {
  test("ends with the hash of all that came before, and holds nothing any more", async () => {
    const client = new Client(Number.POSITIVE_INFINITY);
    await streamSnapshot(member, client.asCall);
    const last = client.messages.pop()!;
    const file = Buffer.concat(client.messages.map(({ blob }) => blob));
    expect(Buffer.from(last.blob)).toEqual(createHash("sha256").update(file).digest());
    expect(client.messages[0]).toMatchObject({ remainingBytes: file.length - 32 * 1024, version: "3.7.0" });
    expect(last.remainingBytes).toBe(0);
    expect([client.ended, held]).toEqual([true, 0]);
  });

  test("waits for a client that does not keep up: no more than fits is made", async () => {
    const client = new Client(3);
    const done = streamSnapshot(member, client.asCall);
    await turns(500);
    expect(client.messages.length).toBe(3);
    await turns(100);
    expect(client.messages.length).toBe(3);
    client.take();
    await turns(500);
    expect(client.messages.length).toBe(6);
    client.cancel();
    await done;
    expect([client.ended, held]).toEqual([false, 0]);
  });

  test("stops for a client that goes away while its file is still being measured", async () => {
    const client = new Client(3);
    const done = streamSnapshot(member, client.asCall);
    await turns(5);
    client.cancel();
    await done;
    expect([client.messages.length, held]).toEqual([0, 0]);
  });
});
