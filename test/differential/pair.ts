import { setTimeout as pause } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import { debianEtcd, flotilla, StoreCluster } from "../store-cluster.ts";
import {
  type Caller,
  describe,
  keys,
  nameOf,
  type Operation,
  type Place,
  type Profile,
  Reference,
} from "./operations.ts";
import { type Outcome, ofItsOwn, type Question, rules } from "./rules.ts";
import { Side } from "./side.ts";
import type { WatchLog } from "./watch-log.ts";
import { type Answer, type Message, sizeOf } from "./wire.ts";

/** Etcd looks at watches of the past every 100 ms: what it has not looked at, compaction ends. */
const lookedAtMs = 250;

/** As etcd, which leaves it to its users to end an alarm. */
const likeEtcd = { ...flotilla, extraArgs: [...flotilla.extraArgs, "--auto-disarm-nospace=false"] };

/** The two stores did not do the same. */
export class Difference extends Error {
  constructor(what: string, theirs: unknown, ours: unknown) {
    super(`${what}\n  etcd:     ${show(theirs)}\n  flotilla: ${show(ours)}`);
  }
}

/** A store of etcd's and one of ours, side by side, that have been asked the same. Once a difference was thrown, they are no longer a pair, until `restore` says so. */
export class Pair {
  readonly #profile: Profile;
  readonly #sides: readonly [theirs: Side, ours: Side];
  readonly #counts: Map<string, number>;
  readonly #explained: Map<string, number>;
  #revision = 1;
  /** `done`: also on the disk, as far as one can tell; where nothing is alive, etcd hashes what compaction has not come to. */
  #compacted = { revision: 0, done: Promise.resolve() };
  #isAuthOn = false;
  /** In this sequence: which alarm was raised, and whether a voter was added that never starts. */
  #alarm = 0;
  #waitsForVoter = false;
  #hasLearner = false;
  /** When members were last added, by their URLs. */
  readonly #addedMs = new Map<string, number>();
  /** The member that applied the last operation before it answered; the others may lag. */
  #upToDate: readonly (number | undefined)[] = [0, 0];
  /** Operations, notes, and what was answered. */
  readonly #history: (Operation | string | { readonly answer: unknown })[] = [];

  private constructor(profile: Profile, sides: readonly [Side, Side], { counts, explained }: Tally) {
    this.#profile = profile;
    this.#sides = sides;
    this.#counts = counts;
    this.#explained = explained;
  }

  static async start(profile: Profile, firstPort: number, tally: Tally, directory?: string): Promise<Pair> {
    const { members, args } = profile;
    const side = (kind: typeof flotilla, port: number) =>
      new Side(new StoreCluster(kind, port, members, args, directory));
    const sides = [side(debianEtcd, firstPort), side(likeEtcd, firstPort + 2 * members)] as const;
    const pair = new Pair(profile, sides, tally);
    try {
      await Promise.all(sides.map((one) => one.start()));
      // Their first answers wait for a leader, and the second of two members is known to be connected after 5 s.
      if (members > 1) await pause(5500);
    } catch (error) {
      await pair.remove();
      throw error;
    }
    return pair;
  }

  async remove(): Promise<void> {
    await Promise.all(this.#sides.map((side) => side.remove()));
  }

  /** The last operations, with what was answered. */
  get history(): readonly string[] {
    return this.#history.map((entry) => {
      if (typeof entry === "string") return entry;
      return "answer" in entry ? `    ${show(entry.answer)}` : describe(entry);
    });
  }

  /** Throws a `Difference`. */
  async run(operations: readonly Operation[]): Promise<void> {
    this.#history.length = 0;
    for (const operation of operations) {
      this.#counts.set(nameOf(operation), (this.#counts.get(nameOf(operation)) ?? 0) + 1);
      this.#history.push(operation);
      await this.#perform(operation);
    }
    this.#history.push(
      "(the end: authentication off, alarms off, leases and members removed, keys written and deleted)",
    );
    await this.#cleanUp();
  }

  /** After a difference: whether what ends a sequence makes both as new, as far as one can see. Other stores take seconds to start. */
  async restore(): Promise<boolean> {
    try {
      await this.#cleanUp();
      return true;
    } catch (error) {
      if (error instanceof Difference) return false;
      throw error;
    }
  }

  async #perform(operation: Operation): Promise<void> {
    switch (operation.kind) {
      case "cancel":
        return this.#cancel(operation.stream, String(operation.watchId));
      case "progress":
        return this.#progress(operation.stream);
      case "close":
        for (const { watches } of this.#sides) {
          watches.get(operation.stream)?.close();
          watches.delete(operation.stream);
        }
        return undefined;
      case "watch":
        return this.#watch(operation);
      default:
        await this.#ask(operation);
    }
  }

  async #ask(
    operation: Extract<Operation, { readonly kind: "call" | "rangeStream" | "keepAlive" }>,
  ): Promise<Message | undefined> {
    const { at, as } = operation;
    const name = nameOf(operation);
    if (this.#partsThem(operation)) return undefined;
    if (name === "KV/Compact") {
      await this.#drain();
      await Promise.all([...this.#sides[0].watches.values()].map((log) => log.lookedAt(lookedAtMs)));
    }
    if (name === "Maintenance/HashKV") await this.#compacted.done;
    const places = await this.#places(name, at);
    const waits = this.#isAuthOn || !isOrdered(operation);
    if (waits) await this.#settle(places);
    const template = operation.kind === "keepAlive" ? { ID: operation.id } : operation.request;
    const requests = this.#sides.map((side) => this.#resolved(template, side) as Message);
    if (this.#isAtLimit(name, requests[0]!)) return undefined;
    if (name === "Cluster/MemberAdd") await this.#nextSecond(requests[0]!);
    const answers = await Promise.all(
      this.#sides.map((side, s) => {
        const [place, request] = [places[s]!, requests[s]!];
        // 3.4 lets everybody raise and end alarms, which must not part the two.
        const isAlarm = name === "Maintenance/Alarm" && (request.action ?? 0) !== 0;
        // Up to 3.4 who logs in must not have a token that is over.
        const token =
          isAlarm && this.#isAuthOn
            ? side.keeperToken
            : name === "Auth/Authenticate" && s === 0
              ? undefined
              : this.#tokenOf(as, side);
        if (operation.kind === "keepAlive") return side.keepAlive(String(request.ID), place, token);
        if (operation.kind === "rangeStream" && s === 1 && as === "nobody") return rangeStream(side, request, place);
        return side.call(operation.kind === "rangeStream" ? "KV/Range" : operation.name, request, place, token);
      }),
    );
    const isApplied = answers.every((answer) => "message" in answer);
    this.#upToDate = waits || isApplied ? places : [undefined, undefined];
    if (name === "Cluster/MemberPromote" || name === "Maintenance/MoveLeader") this.#upToDate = [undefined, undefined];
    this.#learn(name, requests, answers as [Answer, Answer]);
    const [theirs, ours] = answers.map((answer, s) => this.#outcome(name, answer, this.#sides[s]!, places[s]!)) as [
      Outcome,
      Outcome,
    ];
    this.#compare({ operation, name, request: requests[1]!, identity: this.#identity(as) }, theirs, ours);
    if (name === "Maintenance/MoveLeader") await Promise.all(this.#sides.map((side) => side.findLeader()));
    return "message" in ours ? ours.message : undefined;
  }

  /** Where each side is asked: each has a leader of its own. */
  async #places(name: string, at: Place): Promise<readonly number[]> {
    if (this.#isAuthOn) await Promise.all(this.#sides.map((side) => this.#logIn(side)));
    if (name !== "Maintenance/MoveLeader") return Promise.all(this.#sides.map((side) => side.placed(at)));
    await Promise.all(this.#sides.map((side) => side.findLeader()));
    return Promise.all(this.#sides.map((side) => side.placed(at === 0 || at === "leader" ? "leader" : "follower")));
  }

  /** Those who are asked have by then applied all that was acknowledged before. */
  async #settle(places: readonly number[]): Promise<void> {
    await Promise.all(
      this.#sides.map(async (side, s) => {
        if (this.#upToDate[s] === places[s]) return;
        const read = await side.call("KV/Range", { key: Buffer.from("~") }, places[s], side.keeperToken);
        // A store that is corrupt, or does not let us read, does not wait either.
        if ("code" in read) await pause(50);
      }),
    );
    this.#upToDate = places;
  }

  /** What one does and the other refuses, by what changed after 3.4, is left out: from there on they would not be a pair. */
  #partsThem(operation: Extract<Operation, { readonly as: unknown }>): boolean {
    const identity = this.#identity(operation.as);
    switch (nameOf(operation)) {
      // Everybody may, with authentication on.
      case "KV/Compact":
        return !["not asked", "root"].includes(identity);
      case "Lease/LeaseGrant":
      case "Lease/LeaseRevoke":
        return identity === "nobody" || identity === "forged";
      // In nested transactions it sees neither puts when there is no space, nor what the caller may not do.
      case "KV/Txn":
        if (isNested(operation) && (this.#alarm === 1 || !["not asked", "root"].includes(identity))) return true;
        // Its members come apart over a range at a revision of which compaction has a say (etcd's issue 21432).
        return this.#profile.members > 1 && readsThePast(operation);
      // Of several alarms, the last one raised counts, and with one of them all are ended. While there is one, nobody is asked for rights.
      case "Maintenance/Alarm":
        return (this.#alarm !== 0 || this.#isAuthOn) && "request" in operation && operation.request.action === 1;
      case "Auth/AuthEnable":
        return this.#alarm !== 0;
      // It wants all voters to be connected, and newer ones a quorum.
      case "Cluster/MemberAdd":
        return this.#waitsForVoter;
      // Etcd forgets by it that a member is a learner.
      case "Cluster/MemberUpdate":
        return this.#hasLearner && "request" in operation && operation.request.ID instanceof Reference;
      default:
        return false;
    }
  }

  /** What is limited is the entry of the log: the request with an id of 8 to 10 bytes, which is the run's, and their frames. */
  #isAtLimit(name: string, request: Message): boolean {
    const { maxRequestBytes } = this.#profile;
    if (maxRequestBytes === undefined || (name !== "KV/Put" && name !== "KV/Txn")) return false;
    const left = maxRequestBytes - sizeOf(name, request);
    return left > 10 && left < 25;
  }

  /** An id is made of the URLs and of the second: of two members with the same, one of which was removed, the other cannot be added. */
  async #nextSecond({ peerURLs }: Message): Promise<void> {
    const urls = (peerURLs as readonly string[]).toSorted().join();
    const last = this.#addedMs.get(urls) ?? 0;
    while (Math.floor(Date.now() / 1000) === Math.floor(last / 1000)) await pause(1000 - (Date.now() % 1000));
  }

  #identity(caller: Caller): Question["identity"] {
    if (!this.#isAuthOn) return "not asked";
    if (caller === "forger") return "forged";
    if (this.#sides[1].tokenOf(caller) === undefined) return "nobody";
    return caller === "root" ? "root" : "login";
  }

  /** While authentication is off, 3.4 still refuses reads with tokens that it does not know; since 3.5 nobody looks at them. */
  #tokenOf(caller: Caller, side: Side): string | undefined {
    return this.#isAuthOn || side === this.#sides[1] ? side.tokenOf(caller) : undefined;
  }

  async #logIn(side: Side): Promise<void> {
    if (side.keeperToken !== undefined) return;
    for (const password of ["pw", "other"]) {
      const answer = await side.call("Auth/Authenticate", { name: "root", password });
      if ("message" in answer) {
        side.keeperToken = String(answer.message.token);
        return;
      }
    }
    throw new Difference("root cannot log in", undefined, side.cluster.directory);
  }

  /** What the answers say about the run. They are compared later: if they differ, this is the last that is learned. */
  #learn(name: string, requests: readonly Message[], answers: readonly [Answer, Answer]): void {
    const [request] = requests;
    for (const [s, answer] of answers.entries()) {
      if ("code" in answer) continue;
      const { message } = answer;
      const side = this.#sides[s]!;
      if (name === "Lease/LeaseGrant" && (requests[s]!.ID ?? "0") === "0") side.drawnLease(String(message.ID));
      if (name === "Auth/Authenticate") side.tokens.set(String(request!.name), String(message.token));
      if (name === "Cluster/MemberAdd") {
        const { ID, peerURLs } = message.member as { readonly ID: string; readonly peerURLs: readonly string[] };
        side.addedMember(ID, peerURLs);
        this.#addedMs.set(peerURLs.toSorted().join(), Date.now());
      }
      if (name === "Cluster/MemberRemove") side.added.splice(side.added.indexOf(String(requests[s]!.ID)), 1);
      if (changesRoot(name, request!)) side.keeperToken = undefined;
      const { revision } = (message.header ?? {}) as Message;
      if (revision !== undefined) this.#revision = Math.max(this.#revision, Number(revision));
    }
    if (answers.some((answer) => "code" in answer)) return;
    // One that is physical is done when it is answered, by the member that was asked.
    if (name === "KV/Compact") {
      const isDone = request!.physical === true && this.#profile.members === 1;
      this.#compacted = { revision: Number(request!.revision), done: isDone ? Promise.resolve() : pause(200) };
    }
    if (name === "Maintenance/Alarm" && request!.action === 1) this.#alarm = Number(request!.alarm);
    if (name === "Cluster/MemberAdd" && request!.isLearner === true) this.#hasLearner = true;
    else if (name === "Cluster/MemberAdd") this.#waitsForVoter = true;
    if (name === "Auth/AuthEnable") this.#isAuthOn = true;
    if (name === "Auth/AuthDisable") this.#isAuthOn = false;
  }

  #outcome(name: string, answer: Answer, side: Side, place: number): Outcome {
    if ("code" in answer) return { ...answer, text: String(side.plain(answer.text, place)) };
    return { message: ofItsOwn(name, side.plain(answer.message, place) as Message) };
  }

  #compare(question: Question, theirs: Outcome, ours: Outcome): void {
    this.#history.push({ answer: ours });
    let newer = theirs;
    for (const rule of rules) {
      const before = newer;
      newer = rule.newer(question, newer, ours);
      if (before !== newer && !isDeepStrictEqual(before, newer))
        this.#explained.set(rule.name, (this.#explained.get(rule.name) ?? 0) + 1);
    }
    if (!isDeepStrictEqual(newer, ours)) throw new Difference(describe(question.operation), newer, ours);
  }

  #resolved(value: unknown, side: Side): unknown {
    if (value instanceof Reference) return side.resolve(value, this.#revision, this.#compacted.revision);
    if (value instanceof Uint8Array || typeof value !== "object" || value === null) return value;
    if (Array.isArray(value)) return value.map((item) => this.#resolved(item, side));
    return Object.fromEntries(
      Object.entries(value)
        .filter(([, item]) => item !== undefined)
        .map(([name, item]) => [name, this.#resolved(item, side)]),
    );
  }

  async #watch(operation: Extract<Operation, { readonly kind: "watch" }>): Promise<void> {
    const { stream, create, at, as } = operation;
    const open = this.#sides.map(({ watches }) => watches.get(stream));
    // A stream that has ended has said how; the next watch opens another.
    if (open.some((log) => log?.end !== undefined)) await this.#perform({ kind: "close", stream });
    const place = this.#sides[0].watches.get(stream)?.at ?? (typeof at === "number" ? at : 0);
    if (this.#isAuthOn) await Promise.all(this.#sides.map((side) => this.#logIn(side)));
    await this.#settle([place, place]);
    const resolved = this.#resolved(create, this.#sides[0]) as Message;
    // At the compacted revision itself 3.4.34 and later tell of a deletion, and of pairs before an event only by chance.
    const start =
      Number(resolved.start_revision) + (Number(resolved.start_revision) === this.#compacted.revision ? 1 : 0);
    const request: Message = {
      ...resolved,
      start_revision: start > Number.MAX_SAFE_INTEGER ? resolved.start_revision : `${start}`,
    };
    const [theirs, ours] = await Promise.all(
      this.#sides.map((side) => {
        // A stream keeps the token of its beginning: when authentication is switched on later, both must have the same.
        const token = this.#isAuthOn ? side.tokenOf(as) : undefined;
        const log = side.watches.get(stream) ?? side.openWatch(stream, place, token);
        return log.create(request);
      }),
    );
    const asOutcome = (value: unknown) => ({ message: { created: value } });
    this.#compare(
      { operation, name: "Watch/create", request, identity: this.#identity(as) },
      asOutcome(theirs),
      asOutcome(ours),
    );
    const id = (ours as { readonly watch_id?: string }).watch_id ?? "0";
    if (start > 0 && start < this.#compacted.revision) {
      for (const { watches } of this.#sides)
        await watches.get(stream)!.until(() => !watches.get(stream)!.isAlive(id), 3000);
    }
  }

  async #cancel(stream: number, id: string): Promise<void> {
    const logs = this.#logs(stream);
    if (logs === undefined) return;
    await this.#drain(stream);
    const known = logs.map((log) => log.isAlive(id));
    const gone = await Promise.all(
      logs.map((log, s) => (known[s] ? log.cancel(id) : log.cancel(id).then(() => "silence"))),
    );
    this.#compareHeard(`watcher ${id} of stream ${stream} is cancelled`, gone[0], gone[1]);
  }

  async #progress(stream: number): Promise<void> {
    const logs = this.#logs(stream);
    if (logs === undefined) return;
    await this.#drain(stream);
    const [theirs, ours] = logs;
    const isAhead = ours.isAhead(this.#revision);
    const [known, told] = await Promise.all([theirs.progress(), ours.progress(isAhead)]);
    this.#compareHeard(`progress of stream ${stream}`, isAhead ? undefined : known, told);
  }

  #logs(stream: number): readonly [theirs: WatchLog, ours: WatchLog] | undefined {
    const [theirs, ours] = this.#sides.map(({ watches }) => watches.get(stream));
    return theirs === undefined || ours === undefined || theirs.end !== undefined || ours.end !== undefined
      ? undefined
      : [theirs, ours];
  }

  /** Both sides have told their watchers the same, in one stream or in all. */
  async #drain(only?: number): Promise<void> {
    const streams = only === undefined ? [...this.#sides[0].watches.keys()] : [only];
    for (const stream of streams) {
      const logs = this.#logs(stream);
      if (logs !== undefined) await this.#settle([logs[0].at, logs[0].at]);
    }
    await Promise.all(
      streams.map(async (stream) => {
        const logs = this.#logs(stream);
        if (logs === undefined) return;
        await this.#saidAll(stream, logs);
        await this.#heardTheSame(stream, logs);
      }),
    );
  }

  /** Ours has told its watchers everything, which an answer to a request for progress claims; etcd's answer comes when it comes. */
  async #saidAll(stream: number, [theirs, ours]: readonly [WatchLog, WatchLog]): Promise<void> {
    if (ours.alive.size === 0) return;
    if (ours.isAhead(this.#revision)) {
      await Promise.all([theirs.progress(), ours.mark()]);
      await theirs.lookedAt(lookedAtMs);
    } else {
      const [known, told] = await Promise.all([theirs.progress(), ours.progress()]);
      if (told === undefined && ours.end === undefined)
        throw new Difference(`progress of stream ${stream}`, known, told);
    }
  }

  async #heardTheSame(stream: number, logs: readonly [WatchLog, WatchLog]): Promise<void> {
    const [theirs, ours] = logs;
    const isSame = () => isDeepStrictEqual(theirs.heard, ours.heard);
    await eitherUntil(logs, isSame, 3000);
    for (const [id, lines] of theirs.heard) {
      const heard = ours.heard.get(id) ?? [];
      const at = lines.findIndex((line, i) => line !== heard[i]);
      const first = at === -1 ? Math.min(lines.length, heard.length) : at;
      if (!isDeepStrictEqual(lines, heard)) {
        throw new Difference(
          `what watcher ${id} of stream ${stream} hears, from message ${first}`,
          lines.slice(first, first + 3),
          heard.slice(first, first + 3),
        );
      }
    }
    this.#compareHeard(
      `the watchers of stream ${stream}`,
      [...theirs.heard.keys()].sort(),
      [...ours.heard.keys()].sort(),
    );
    this.#compareHeard(`the contract of the watches of stream ${stream}`, [], ours.violations);
  }

  #compareHeard(what: string, theirs: unknown, ours: unknown): void {
    this.#history.push({ answer: ours });
    if (!isDeepStrictEqual(theirs, ours)) throw new Difference(what, theirs, ours);
  }

  /** Makes both as new, but for the revision, and compares that too; watches hear of it, and then have heard everything. */
  async #cleanUp(): Promise<void> {
    const root = { at: 0, as: "root" } as const;
    if (this.#isAuthOn) {
      await Promise.all(this.#sides.map((side) => this.#logIn(side)));
      for (const side of this.#sides) side.tokens.set("root", side.keeperToken!);
      await this.#call("Auth/AuthDisable", {}, root);
      if (this.#isAuthOn) throw new Difference("authentication stays on", undefined, undefined);
    }
    const [alarms, users, roles, leases] = await Promise.all([
      this.#list("Maintenance/Alarm", "alarms"),
      this.#list("Auth/UserList", "users"),
      this.#list("Auth/RoleList", "roles"),
      this.#list("Lease/LeaseLeases", "leases"),
    ]);
    for (const text of alarms) {
      const { memberID = "0", alarm } = JSON.parse(text as string) as { memberID?: string; alarm: number };
      await this.#call("Maintenance/Alarm", { action: 2, memberID: named(memberID, "member"), alarm });
    }
    // None of these has to do with another.
    await Promise.all([
      ...users.map((name) => this.#call("Auth/UserDelete", { name })),
      ...roles.map((role) => this.#call("Auth/RoleDelete", { role })),
    ]);
    for (const text of leases) {
      const { ID } = JSON.parse(text as string) as { ID: string };
      await this.#call("Lease/LeaseRevoke", { ID: named(ID, "drawn") });
    }
    while (this.#sides[0].added.length > 0) await this.#call("Cluster/MemberRemove", { ID: new Reference("added", 0) });
    const puts = keys.map((key) => ({ request_put: { key: Buffer.from(key, "latin1") } }));
    for (const half of [puts.slice(0, 4), puts.slice(4)]) await this.#call("KV/Txn", { success: half });
    await this.#call("KV/DeleteRange", { key: Buffer.from("\0"), range_end: Buffer.from("\0") });
    await this.#lastWords();
    for (const side of this.#sides) side.forget();
    this.#alarm = 0;
    this.#waitsForVoter = false;
    this.#hasLearner = false;
  }

  /** Waits until every watcher that is to hear of the last deletion has. */
  async #lastWords(): Promise<void> {
    await Promise.all(
      [...this.#sides[0].watches.keys()].map(async (stream) => {
        const logs = this.#logs(stream);
        if (logs === undefined) return;
        await this.#settle([logs[0].at, logs[0].at]);
        await this.#saidAll(stream, logs);
        // If one side's watchers have heard of it, the other's must.
        const hears = () =>
          [...logs[0].heard.keys()].every(
            (id) =>
              !logs.every((log) => log.isAlive(id)) ||
              logs.every((log) => log.lastRevision(id) === logs[0].lastRevision(id)),
          );
        await eitherUntil(logs, hears, 3000);
        await this.#heardTheSame(stream, logs);
      }),
    );
  }

  async #list(name: string, field: string): Promise<readonly unknown[]> {
    return ((await this.#call(name, {}))?.[field] ?? []) as readonly unknown[];
  }

  #call(
    name: string,
    request: Message,
    { at, as } = { at: 0, as: "nobody" } as { at: number; as: "nobody" | "root" },
  ): Promise<Message | undefined> {
    return this.#ask({ kind: "call", name, request, at, as });
  }
}

export interface Tally {
  /** Operations by their names. */
  readonly counts: Map<string, number>;
  /** How often each rule explained a difference. */
  readonly explained: Map<string, number>;
}

/** What only this store offers, compared with etcd's Range. */
async function rangeStream(side: Side, request: Message, at: number): Promise<Answer> {
  const sorts = Number(request.sort_target) !== 0 || Number(request.sort_order) === 2;
  const filters = ["min_mod_revision", "max_mod_revision", "min_create_revision", "max_create_revision"].some(
    (name) => (request[name] ?? "0") !== "0",
  );
  if (sorts || filters) return side.call("KV/Range", request, at);
  const parts = await side.collect("KV/RangeStream", request, at);
  if ("code" in parts) return parts;
  const ranges = parts.map((part) => part.range_response as Message);
  const kvs = ranges.flatMap((range) => (range.kvs ?? []) as readonly Message[]);
  return { message: { ...ranges.at(-1), ...(kvs.length === 0 ? {} : { kvs }) } };
}

/**
 * Whoever is asked comes to it in the order of the log, or after all that was acknowledged: a write, or a read that is linearizable. Only
 * transactions that write by themselves are meant; of the others it depends on what they read.
 */
function isOrdered(operation: Operation): boolean {
  if (!("request" in operation)) return false;
  const { request } = operation;
  switch (nameOf(operation)) {
    case "KV/Put":
    case "KV/DeleteRange":
    case "Lease/LeaseGrant":
    case "Lease/LeaseRevoke":
      return true;
    case "KV/Range":
    case "KV/RangeStream":
      return request.serializable === false;
    case "KV/Txn": {
      const { success = [], failure = [] } = request as { success?: Message[]; failure?: Message[] };
      return [...success, ...failure].some((op) => "request_put" in op || "request_delete_range" in op);
    }
    default:
      return false;
  }
}

function isNested(operation: Operation): boolean {
  const { success = [], failure = [] } = ("request" in operation ? operation.request : {}) as {
    success?: Message[];
    failure?: Message[];
  };
  return [...success, ...failure].some(({ request_txn }) => request_txn !== undefined);
}

/** A transaction with a range at a revision of its own, at any depth. */
function readsThePast(operation: Operation): boolean {
  const ops = ({ success = [], failure = [] }: { success?: Message[]; failure?: Message[] }) => [
    ...success,
    ...failure,
  ];
  const reads = (op: Message): boolean => {
    const { request_range, request_txn } = op as { readonly request_range?: Message; readonly request_txn?: Message };
    return (
      (request_range !== undefined && request_range.revision !== "0") ||
      (request_txn !== undefined && ops(request_txn).some(reads))
    );
  };
  return "request" in operation && ops(operation.request).some(reads);
}

/** Until it holds, of what both sides have heard. */
async function eitherUntil(logs: readonly WatchLog[], holds: () => boolean, patienceMs: number): Promise<void> {
  const deadline = performance.now() + patienceMs;
  while (!holds() && performance.now() < deadline) await Promise.race([...logs.map((log) => log.change()), pause(50)]);
}

/** What stands in a comparison instead of an id is what a request may ask for. */
function named(id: string, kind: "member" | "drawn"): string | Reference {
  const n = /<(?:member|lease) (\d+)>/.exec(id)?.[1];
  return n === undefined ? id : new Reference(kind, Number(n));
}

function changesRoot(name: string, request: Message): boolean {
  if (name === "Auth/AuthEnable" || name === "Auth/AuthDisable") return true;
  return (name === "Auth/UserChangePassword" || name === "Auth/UserDelete") && request.name === "root";
}

function show(value: unknown): string {
  return (JSON.stringify(value) ?? "nothing").replaceAll(/v{100,}/g, (run) => `v×${run.length}`);
}
