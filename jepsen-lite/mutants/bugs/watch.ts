import type { SeededBug } from "../bug.ts";
import type { Patch } from "../patch.ts";

const hub = "kvstore/mvcc/watch/hub.ts";
const client = "kvstore/client/watch.ts";

/** Our client drops what it is told twice, or too early; other clients believe what they are told. */
const trustingClient: readonly Patch[] = [
  {
    file: client,
    find: "const fresh = events.filter(({ kv }) => (kv?.modRevision ?? 0) >= entry.nextRevision);",
    replace: "const fresh = events;",
  },
  {
    file: client,
    find: "const startRevision = entry.resumes ? entry.nextRevision - 1 : entry.nextRevision;",
    replace: "const startRevision = entry.nextRevision;",
  },
];

export const watchBugs: readonly SeededBug[] = [
  {
    number: 29,
    title: "a watch from the compacted revision misses that revision",
    patches: [
      {
        file: hub,
        find: "return events.map((event) => (event.main > compactRevision ? event : event.withoutPrevious()));",
        replace: "return events.filter((event) => event.main > compactRevision);",
      },
    ],
    search: { kind: "simulation", seconds: 20, forced: { workload: "watch" } },
    caughtBy: ["watches: watch-reliable", "watches: watch-resumable"],
  },
  {
    number: 30,
    title: "a watch tells one revision in two responses",
    patches: [
      {
        file: "kvstore/rpc/watch-stream.ts",
        find: "    else {\n      // All but the id",
        replace: `    else if (batch.events.length > 1) {
      for (const event of batch.encode(watcher.prevKv)) this.#send({ watchId: watch.id, events: [event] }, batch.revision);
    } else {
      // All but the id`,
      },
    ],
    setting: trustingClient,
    search: { kind: "simulation", seconds: 10, forced: { workload: "watch" } },
    caughtBy: ["watches: watch-atomic"],
  },
  {
    number: 31,
    title: "a watch that a snapshot has overtaken begins once more",
    patches: [
      {
        file: hub,
        find: "    watcher.minRevision = Math.max(watcher.minRevision, this.#toldRevision + 1);\n  }\n\n  #makeVictim",
        replace: "  }\n\n  #makeVictim",
      },
    ],
    setting: trustingClient,
    search: {
      kind: "simulation",
      seconds: 30,
      forced: {
        workload: "watch",
        members: 3,
        clients: 6,
        store: { snapshotCount: 20, catchupEntries: 0 },
        faults: { isolate: 2 },
      },
    },
    caughtBy: ["watches: watch-ordered", "watches: watch-unique"],
  },
  {
    number: 32,
    title: "progress is told while events are still to come",
    patches: [
      {
        file: hub,
        find: 'if (state.kind !== "synced" || startRevision > revision) return undefined;',
        replace: "if (startRevision > revision) return undefined;",
      },
    ],
    search: {
      kind: "simulation",
      seconds: 20,
      forced: { workload: "watch-progress", clients: 6, store: { progressIntervalMs: 50 }, thinkMeanUs: 20_000 },
    },
    caughtBy: ["watches: watch-bookmarkable"],
  },
  {
    number: 33,
    title: "what a slow watcher has no room for is dropped",
    patches: [
      {
        file: hub,
        find: "      this.#leaveSynced(watcher);\n      this.#makeVictim(watcher, refused);",
        replace: "      watcher.minRevision = refused.revision + 1;",
      },
    ],
    search: { kind: "simulation", seconds: 20, forced: { workload: "watch", clients: 6, thinkMeanUs: 20_000 } },
    caughtBy: ["watches: watch-reliable"],
  },
  {
    number: 34,
    title: "a watch from a revision to come hears of earlier ones",
    patches: [
      {
        file: hub,
        find: "minRevision: request.startRevision === 0 ? revision + 1 : request.startRevision,",
        replace: "minRevision: isFuture ? revision + 1 : request.startRevision,",
      },
    ],
    setting: trustingClient,
    search: {
      kind: "simulation",
      seconds: 20,
      forced: { workload: "watch", members: 3, clients: 6, faults: { isolate: 1, pause: 1 } },
    },
    caughtBy: ["watches: watch-resumable", "watches: watch-filter"],
  },
  {
    number: 35,
    title: "an event at the compacted revision is told with itself as what was before",
    patches: [
      {
        file: "kvstore/mvcc/store.ts",
        find: "    if (main < this.#compactRevision) return undefined;\n    const entry = this.#index.get(key);\n    const version = entry?.at(main);",
        replace:
          "    const entry = this.#index.get(key);\n    const version = entry?.at(Math.max(main, this.#compactRevision));",
      },
      {
        file: hub,
        find: "return events.map((event) => (event.main > compactRevision ? event : event.withoutPrevious()));",
        replace: "return events;",
      },
    ],
    search: {
      kind: "simulation",
      seconds: 20,
      forced: { workload: "watch", clients: 6, faults: { kill: 1, "kill-all": 1 } },
    },
    caughtBy: ["watches: watch-prevKV"],
  },
  {
    number: 40,
    title: "the operations of a transaction become visible one by one",
    patches: [
      {
        file: "kvstore/mvcc/txn.ts",
        find: "  return write((writeView) => {\n    const responses = run(writeView, path);",
        replace: `  if (path.ops.length > 1 && path.ops.every(({ requestPut }) => requestPut !== undefined)) {
    const only = (op: RequestOp) =>
      write((writeView) => {
        const responses = run(writeView, { ...path, ops: [op] });
        return { header: { revision: writeView.revision }, succeeded: path.succeeded, responses };
      });
    queueMicrotask(() => path.ops.slice(1).forEach(only));
    return only(path.ops[0] as RequestOp);
  }
  return write((writeView) => {
    const responses = run(writeView, path);`,
      },
    ],
    search: {
      kind: "simulation",
      seconds: 10,
      forced: { workload: "list-append", members: 3, clients: 6, keys: 4, thinkMeanUs: 20_000, faults: {} },
    },
    caughtBy: ["list-append"],
  },
  {
    number: 41,
    title: "a transaction that writes nothing makes a revision",
    patches: [
      {
        file: "kvstore/mvcc/store.ts",
        find: "    if (events.length > 0) {\n      this.#revision++;",
        replace: "    if (events.length >= 0) {\n      this.#revision++;",
      },
    ],
    search: { kind: "simulation", seconds: 10, forced: { workload: "store" } },
    caughtBy: ["linearizable store"],
  },
  {
    number: 42,
    title: "a read of the past sees one revision too much",
    patches: [
      {
        file: "kvstore/mvcc/store.ts",
        find: "    let count = 0;\n    this.#index.visit(keys.from, keys.to, (entry) => {\n      const version = entry.at(at);",
        replace:
          "    let count = 0;\n    this.#index.visit(keys.from, keys.to, (entry) => {\n      const version = entry.at(at + 1);",
      },
    ],
    search: { kind: "simulation", seconds: 10, forced: { workload: "store" } },
    caughtBy: ["reads by replay"],
  },
];
