import { createHash } from "node:crypto";
import { setImmediate as nextTurn } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { SnapshotResponse } from "../../proto/mod.ts";
import { MemberMetrics } from "../metrics/mod.ts";
import { Backend, type Engine, MemoryHome, revisionKey } from "../mvcc/mod.ts";
import { machineClock } from "../server/machine-clock.ts";
import type { Member } from "../server/member.ts";
import type { StreamCall } from "./grpc/mod.ts";
import { streamSnapshot } from "./snapshot.ts";

const keys = 3000;
let member: Member;
/** Scans that hold on to a state of the engine. */
let held = 0;

beforeEach(async () => {
  const engine = await new MemoryHome().open();
  const entries = Array.from({ length: keys }, (_, at) => ({
    key: `k${revisionKey(at + 2, 0, false)}`,
    value: Buffer.alloc(100, at),
  }));
  await engine.write([...entries, { key: "tstorageVersion", value: "3.7.0" }]);
  held = 0;
  const watched: Engine = {
    get: (key) => engine.get(key),
    write: (changes) => engine.write(changes),
    sizeBytes: () => engine.sizeBytes(),
    defragment: () => engine.defragment(),
    close: () => engine.close(),
    scan(from, to) {
      held++;
      return counted(engine.scan(from, to, 100));
    },
  };
  const onFailure = (error: unknown) => {
    throw error;
  };
  const metrics = new MemberMetrics();
  const backend = await Backend.open({ engine: watched, clock: machineClock, metrics, onFailure });
  member = { log: () => undefined, metrics, clock: machineClock, state: { backend } } as unknown as Member;
});
afterEach(() => member.state.backend.close());

async function* counted(runs: ReturnType<Engine["scan"]>): ReturnType<Engine["scan"]> {
  try {
    for await (const run of runs) {
      yield run;
      await nextTurn();
    }
  } finally {
    held--;
  }
}

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
