// What the two stores are asked, in random order. Whatever depends on the run (revisions, ids of members) is a reference, so that a
// sequence means the same on both sides, and still means something when others of its operations are left out.
import fc from "fast-check";
import type { Message } from "./wire.ts";

/** Stands for a number that is known when the operation is performed. */
export class Reference {
  /** `now`, `compacted`: a revision, so far from the store's. `member`: one of the first; `added`: one that never starts; `drawn`: a lease whose id the store chose. */
  readonly kind: "now" | "compacted" | "member" | "added" | "drawn";
  readonly n: number;

  constructor(kind: Reference["kind"], n: number) {
    this.kind = kind;
    this.n = n;
  }

  toString(): string {
    return `<${this.kind} ${this.n}>`;
  }
}

/** Whose token the call carries: that of their last login, if any. */
export type Caller = "nobody" | "forger" | "root" | "alice" | "bob";

/** Which member is asked. */
export type Place = number | "leader" | "follower";

interface Asked {
  readonly at: Place;
  readonly as: Caller;
}

export type Operation =
  | (Asked & { readonly kind: "call"; readonly name: string; readonly request: Message })
  | (Asked & { readonly kind: "rangeStream"; readonly request: Message })
  | (Asked & { readonly kind: "keepAlive"; readonly id: string | Reference })
  | (Asked & { readonly kind: "watch"; readonly stream: number; readonly create: Message })
  | { readonly kind: "cancel"; readonly stream: number; readonly watchId: number }
  | { readonly kind: "progress"; readonly stream: number }
  | { readonly kind: "close"; readonly stream: number };

/** Under which the operation is counted. */
export function nameOf(operation: Operation): string {
  if (operation.kind === "call") return operation.name;
  if (operation.kind === "rangeStream") return "KV/RangeStream";
  if (operation.kind === "keepAlive") return "Lease/LeaseKeepAlive";
  return `Watch/${operation.kind === "watch" ? "create" : operation.kind}`;
}

export interface Profile {
  readonly name: string;
  /** Of all operations, relative to the other profiles'. */
  readonly share: number;
  readonly members: number;
  /** For the members of both sides. */
  readonly args: readonly string[];
  /** If it is not the usual. */
  readonly maxRequestBytes?: number;
  /** How often operations of each group come, relative to each other. */
  readonly weights: Readonly<Record<Group, number>>;
  readonly callers: readonly Caller[];
}

const bytes = (text: string) => Buffer.from(text, "latin1");
const oneIn = (n: number) => fc.nat({ max: n - 1 }).map((drawn) => drawn === n - 1);
/** Mostly `usual`. */
const rarely = <T>(usual: fc.Arbitrary<T>, unusual: fc.Arbitrary<T>, n: number) =>
  fc.oneof({ arbitrary: usual, weight: n - 1 }, { arbitrary: unusual, weight: 1 });

export const keys = ["a", "a/1", "a/2", "a0", "b", "c", "c\0", "d"];
const aKey = fc.constantFrom(...keys).map(bytes);
const key = rarely(aKey, fc.constantFrom("", "\0", "\xff").map(bytes), 40);
const rangeEnd = fc.oneof(
  { arbitrary: fc.constant(bytes("")), weight: 3 },
  { arbitrary: fc.constantFrom(...keys, "e", "\xff\xff").map(bytes), weight: 4 },
  { arbitrary: fc.constant(bytes("\0")), weight: 1 },
);
const value = fc.oneof(
  { arbitrary: fc.constantFrom("", "x", "y", "zz").map(bytes), weight: 60 },
  { arbitrary: fc.constantFrom(3_000, 20_000, 70_000).map((length) => bytes("v".repeat(length))), weight: 1 },
);
const extreme = fc.constantFrom("-1", "9223372036854775807", "-9223372036854775808");
const revision = fc.oneof(
  { arbitrary: fc.constant("0" as string | Reference), weight: 6 },
  { arbitrary: fc.integer({ min: -12, max: 2 }).map((n) => new Reference("now", n)), weight: 4 },
  { arbitrary: fc.integer({ min: -1, max: 2 }).map((n) => new Reference("compacted", n)), weight: 1 },
  { arbitrary: extreme, weight: 1 },
);
const bound = rarely<unknown>(
  fc.constant("0"),
  fc.integer({ min: -10, max: 1 }).map((n) => new Reference("now", n)),
  8,
);
const lease = fc.constantFrom("1", "2", "3");
/** Ids that a store drew are never attached: keys with other leases hash to something else. */
const attached = fc.oneof(
  { arbitrary: fc.constant("0"), weight: 6 },
  { arbitrary: lease, weight: 2 },
  { arbitrary: fc.constantFrom("77", "-1"), weight: 1 },
);
const anyLease = fc.oneof<fc.WeightedArbitrary<string | Reference>[]>(
  { arbitrary: lease, weight: 6 },
  { arbitrary: fc.nat({ max: 1 }).map((n) => new Reference("drawn", n)), weight: 2 },
  { arbitrary: fc.constantFrom("77", "0", "-9223372036854775808"), weight: 1 },
);

/** An order without a name is an error since 3.5: only where that does not decide whether something is written. A target without one makes 3.4 panic. */
function range(mayBeWrong: boolean) {
  const order = fc.constantFrom(0, 0, 1, 2);
  return fc.record({
    key,
    range_end: rangeEnd,
    limit: rarely<unknown>(fc.constantFrom("0", "0", "1", "2", "4"), extreme, 20),
    revision,
    sort_order: mayBeWrong ? rarely(order, fc.constant(9), 30) : order,
    sort_target: fc.constantFrom(0, 0, 1, 2, 3, 4),
    serializable: fc.boolean(),
    keys_only: oneIn(6),
    count_only: oneIn(6),
    min_mod_revision: bound,
    max_mod_revision: bound,
    min_create_revision: bound,
    max_create_revision: bound,
  });
}

function put(mayIgnore: boolean) {
  const ignore = mayIgnore ? oneIn(10) : fc.constant(false);
  return fc.record({ key, value, lease: attached, prev_kv: oneIn(3), ignore_value: ignore, ignore_lease: ignore });
}

function deleteRange(mayBeOpen: boolean) {
  const end = mayBeOpen ? rangeEnd : rangeEnd.map((end) => (end[0] === 0 ? bytes("") : end));
  return fc.record({ key, range_end: end, prev_kv: oneIn(3) });
}

const compare = fc
  .record({
    key,
    range_end: rarely(fc.constant(bytes("")), rangeEnd, 3),
    result: rarely(fc.constantFrom(0, 1, 2, 3), fc.constant(9), 40),
    target: fc.constantFrom(0, 1, 2, 3, 4),
    /** What is compared with, and in one of eight cases as if it were another field. */
    union: rarely(fc.constant(undefined), fc.constantFrom(0, 1, 2, 3, 4), 8),
    number: fc.oneof<fc.Arbitrary<string | Reference>[]>(
      fc.constantFrom("0", "1", "2"),
      fc.integer({ min: -6, max: 0 }).map((n) => new Reference("now", n)),
    ),
    value: fc.constantFrom("", "x", "y").map(bytes),
  })
  .map(({ union, number, value, ...rest }): Message => {
    const field = (["version", "create_revision", "mod_revision", "value", "lease"] as const)[union ?? rest.target]!;
    return { ...rest, [field]: field === "value" ? value : number };
  });

/**
 * etcd's check for keys that are written twice does not see into a delete with an open end, and a put beside one that keeps the value of a
 * key which that deletes makes etcd panic: a transaction has either the one or the other.
 */
function txn(depth: number, open: boolean): fc.Arbitrary<Message> {
  const op = fc.oneof<fc.WeightedArbitrary<Message>[]>(
    { arbitrary: range(false).map((request_range) => ({ request_range })), weight: 5 },
    { arbitrary: put(!open).map((request_put) => ({ request_put })), weight: 6 },
    { arbitrary: deleteRange(open).map((request_delete_range) => ({ request_delete_range })), weight: 4 },
    ...(depth > 0 ? [{ arbitrary: txn(depth - 1, open).map((request_txn) => ({ request_txn })), weight: 3 }] : []),
    { arbitrary: fc.constant({}), weight: depth === 2 ? 0 : 1 },
  );
  return fc.record({
    compare: fc.array(compare, { maxLength: 2 }),
    success: fc.array(op, { maxLength: 3 }),
    failure: fc.array(op, { maxLength: 2 }),
  });
}

const userName = rarely(fc.constantFrom("alice", "bob", "root"), fc.constantFrom("", "nobody"), 12);
const password = fc.constantFrom("pw", "other");
const roleName = rarely(fc.constantFrom("reader", "writer", "root"), fc.constantFrom("", "nothing"), 12);
/**
 * Ends of permissions, by where they begin: one each, since of two that begin at the same key etcd finds the first alone again (see
 * COMPATIBILITY.md). None without keys: that is refused since 3.5, and granted by 3.4.
 */
const permissionEnds = new Map([
  ["a", ""],
  ["a/1", "a0"],
  ["a/2", "b"],
  ["a0", ""],
  ["b", "c\0"],
  ["c", "\0"],
  ["c\0", ""],
  ["d", "\xff\xff"],
]);
const permittedRange = fc
  .constantFrom(...permissionEnds)
  .map(([key, end]) => ({ key: bytes(key), range_end: bytes(end) }));
/** One without a permission makes 3.4 panic. */
const permission = fc
  .tuple(fc.constantFrom(2, 0, 1), permittedRange)
  .map(([permType, range]) => ({ permType, ...range }));
/** Root can always log in: how else would auth be switched off again? */
const newUser = fc
  .record({ name: userName, password: rarely(password, fc.constant(""), 10), no_password: oneIn(8) })
  .map(({ name, password, no_password }): Message => {
    if (name === "root") return { name, password: password || "pw" };
    return no_password ? { name, options: { no_password } } : { name, password };
  });
const newPassword = fc
  .record({ name: userName, password: rarely(password, fc.constant(""), 10) })
  .map((change) => (change.name === "root" ? { ...change, password: change.password || "pw" } : change));

/** Nobody listens there. (Sockets of files, which are URLs since 3.5, are left out.) */
const freeUrl = fc.constantFrom(
  "http://127.0.0.1:1",
  "http://127.0.0.1:2",
  "http://127.0.0.1:3",
  "https://127.0.0.1:4",
);
const badUrl = fc.constantFrom(
  "nonsense",
  "",
  "127.0.0.1:5",
  "http://127.0.0.1",
  "ftp://127.0.0.1:5",
  "http://127.0.0.1:5/path",
  "http://:5",
  "http://host:port",
);
const peerUrls = fc.oneof(
  { arbitrary: fc.uniqueArray(freeUrl, { minLength: 1, maxLength: 2 }), weight: 5 },
  { arbitrary: fc.array(rarely(freeUrl, badUrl, 2), { maxLength: 2 }), weight: 2 },
);
const addedMember = fc.nat({ max: 2 }).map((n) => new Reference("added", n));
const unknownMember = fc.constantFrom("0", "1234", "18446744073709551615");
const anyMember = fc.oneof<fc.Arbitrary<string | Reference>[]>(
  fc.nat({ max: 2 }).map((n) => new Reference("member", n)),
  addedMember,
  unknownMember,
);

const someMember = fc.oneof<fc.Arbitrary<string | Reference>[]>(
  fc.nat({ max: 2 }).map((n) => new Reference("member", n)),
  unknownMember,
);

const call = (name: string, request: fc.Arbitrary<Message>) =>
  request.map((request) => ({ kind: "call" as const, name, request }));
const empty = fc.constant({});

const watchCreate = fc.record({
  key: rarely(aKey, fc.constantFrom("", "\0").map(bytes), 10),
  range_end: rangeEnd,
  // Not the compacted revision itself: since 3.4.34 a delete at that revision is kept, and watched. Nor negative ones: refused since 3.6.6.
  start_revision: fc.oneof<fc.WeightedArbitrary<string | Reference>[]>(
    { arbitrary: fc.constant("0"), weight: 4 },
    { arbitrary: fc.integer({ min: -12, max: 4 }).map((n) => new Reference("now", n)), weight: 4 },
    { arbitrary: fc.constantFrom(-1, 1).map((n) => new Reference("compacted", n)), weight: 1 },
    { arbitrary: fc.constant("9223372036854775807"), weight: 1 },
  ),
  progress_notify: oneIn(4),
  filters: rarely(fc.constant([] as number[]), fc.array(fc.constantFrom(0, 1, 9), { minLength: 1, maxLength: 2 }), 3),
  prev_kv: fc.boolean(),
  watch_id: rarely(fc.constant("0"), fc.constantFrom("1", "2", "7", "-3"), 5),
  fragment: oneIn(4),
});

const groups = {
  kv: fc.oneof(
    { arbitrary: call("KV/Range", range(true)), weight: 6 },
    { arbitrary: range(true).map((request) => ({ kind: "rangeStream" as const, request })), weight: 1 },
    { arbitrary: call("KV/Put", put(true)), weight: 8 },
    { arbitrary: call("KV/DeleteRange", deleteRange(true)), weight: 3 },
  ),
  txn: fc.oneof(call("KV/Txn", txn(2, true)), call("KV/Txn", txn(2, false))),
  compact: call(
    "KV/Compact",
    fc.record({
      revision: fc.oneof<fc.WeightedArbitrary<string | Reference>[]>(
        { arbitrary: fc.integer({ min: -8, max: 1 }).map((n) => new Reference("now", n)), weight: 6 },
        { arbitrary: fc.integer({ min: -1, max: 3 }).map((n) => new Reference("compacted", n)), weight: 3 },
        { arbitrary: fc.constantFrom("0", "-1", "9223372036854775807"), weight: 1 },
      ),
      physical: fc.boolean(),
    }),
  ),
  lease: fc.oneof(
    // Long enough not to end while the sequence runs: when a lease ends is up to two clocks.
    {
      arbitrary: call(
        "Lease/LeaseGrant",
        fc.record({
          ID: fc.oneof(lease, fc.constant("0")),
          TTL: rarely(
            fc.constantFrom("600", "5000"),
            fc.constantFrom("9000000000", "9000000001", "9223372036854775807"),
            6,
          ),
        }),
      ),
      weight: 4,
    },
    { arbitrary: call("Lease/LeaseRevoke", fc.record({ ID: anyLease })), weight: 2 },
    { arbitrary: call("Lease/LeaseTimeToLive", fc.record({ ID: anyLease, keys: fc.boolean() })), weight: 2 },
    { arbitrary: call("Lease/LeaseLeases", empty), weight: 1 },
    { arbitrary: anyLease.map((id) => ({ kind: "keepAlive" as const, id })), weight: 1 },
  ),
  watch: fc.oneof(
    {
      arbitrary: fc.record({ kind: fc.constant("watch" as const), stream: fc.nat({ max: 2 }), create: watchCreate }),
      weight: 6,
    },
    {
      arbitrary: fc.record({
        kind: fc.constant("cancel" as const),
        stream: fc.nat({ max: 2 }),
        watchId: fc.integer({ min: -1, max: 4 }),
      }),
      weight: 2,
    },
    { arbitrary: fc.record({ kind: fc.constant("progress" as const), stream: fc.nat({ max: 2 }) }), weight: 1 },
    { arbitrary: fc.record({ kind: fc.constant("close" as const), stream: fc.nat({ max: 2 }) }), weight: 1 },
  ),
  maintenance: fc.oneof(
    { arbitrary: call("Maintenance/Status", empty), weight: 2 },
    {
      arbitrary: call(
        "Maintenance/HashKV",
        fc.record({ revision: revision.filter((at) => at !== "-9223372036854775808") }),
      ),
      weight: 4,
    },
    { arbitrary: call("Maintenance/Defragment", empty), weight: 1 },
    {
      arbitrary: call(
        "Maintenance/Alarm",
        fc
          .record({ action: fc.constantFrom(0, 0, 1, 2), memberID: someMember, alarm: fc.constantFrom(0, 1, 1, 2) })
          // Raising no alarm in particular makes 3.4 panic.
          .map((request) => (request.action === 1 && request.alarm === 0 ? { ...request, alarm: 1 } : request)),
      ),
      weight: 2,
    },
    { arbitrary: call("Cluster/MemberList", fc.record({ linearizable: fc.boolean() })), weight: 1 },
  ),
  // Not to a voter that never started: etcd waits for it as long as the client does.
  transfer: call("Maintenance/MoveLeader", fc.record({ targetID: someMember })),
  membership: fc.oneof(
    { arbitrary: call("Cluster/MemberAdd", fc.record({ peerURLs: peerUrls, isLearner: oneIn(2) })), weight: 3 },
    {
      arbitrary: call(
        "Cluster/MemberRemove",
        fc.record({ ID: fc.oneof<fc.Arbitrary<string | Reference>[]>(addedMember, unknownMember) }),
      ),
      weight: 3,
    },
    {
      arbitrary: call(
        "Cluster/MemberUpdate",
        // etcd gives a member any URLs, whatever they are.
        fc.oneof(
          fc.record({ ID: addedMember, peerURLs: fc.uniqueArray(freeUrl, { minLength: 1, maxLength: 2 }) }),
          fc.record({ ID: unknownMember, peerURLs: peerUrls }),
        ),
      ),
      weight: 2,
    },
    { arbitrary: call("Cluster/MemberPromote", fc.record({ ID: anyMember })), weight: 2 },
  ),
  auth: fc.oneof(
    {
      arbitrary: call(
        "Auth/Authenticate",
        fc.record({ name: userName, password: rarely(password, fc.constantFrom("", "wrong"), 8) }),
      ),
      weight: 8,
    },
    { arbitrary: call("Auth/AuthEnable", empty), weight: 3 },
    { arbitrary: call("Auth/AuthDisable", empty), weight: 1 },
    { arbitrary: call("Auth/UserAdd", newUser), weight: 5 },
    { arbitrary: call("Auth/UserDelete", fc.record({ name: userName })), weight: 1 },
    { arbitrary: call("Auth/UserGet", fc.record({ name: userName })), weight: 2 },
    { arbitrary: call("Auth/UserList", empty), weight: 1 },
    { arbitrary: call("Auth/UserChangePassword", newPassword), weight: 1 },
    { arbitrary: call("Auth/UserGrantRole", fc.record({ user: userName, role: roleName })), weight: 6 },
    { arbitrary: call("Auth/UserRevokeRole", fc.record({ name: userName, role: roleName })), weight: 1 },
    { arbitrary: call("Auth/RoleAdd", fc.record({ name: roleName })), weight: 4 },
    { arbitrary: call("Auth/RoleDelete", fc.record({ role: roleName })), weight: 1 },
    { arbitrary: call("Auth/RoleGet", fc.record({ role: roleName })), weight: 2 },
    { arbitrary: call("Auth/RoleList", empty), weight: 1 },
    {
      arbitrary: call("Auth/RoleGrantPermission", fc.record({ name: roleName, perm: permission })),
      weight: 6,
    },
    {
      arbitrary: call(
        "Auth/RoleRevokePermission",
        fc
          .tuple(roleName, rarely(permittedRange, fc.record({ key: aKey, range_end: rangeEnd }), 8))
          .map(([role, range]) => ({ role, ...range })),
      ),
      weight: 2,
    },
  ),
};

export type Group = keyof typeof groups;

export function sequences({ weights, callers, members }: Profile): fc.Arbitrary<readonly Operation[]> {
  const drawn = Object.entries(weights)
    .filter(([, weight]) => weight > 0)
    .map(([group, weight]) => ({
      arbitrary: groups[group as Group] as fc.Arbitrary<Omit<Operation, "at" | "as">>,
      weight,
    }));
  const at: fc.Arbitrary<Place> =
    members === 1
      ? fc.constant(0)
      : fc.oneof(
          { arbitrary: fc.nat({ max: members - 1 }), weight: 6 },
          { arbitrary: fc.constantFrom<Place>("leader", "follower"), weight: 1 },
        );
  const operation = fc
    .tuple(fc.oneof(...drawn), at, fc.constantFrom(...callers))
    .map(([what, at, as]) => ({ ...what, at, as }) as Operation);
  // Shrinking cuts off the beginning of an array first: reversed, that is what came after the failure.
  return fc.array(operation, { minLength: 1, maxLength: 120, size: "max" }).map((reversed) => reversed.toReversed());
}

/** One line, for a reader. */
export function describe(operation: Operation): string {
  const text = JSON.stringify(operation, (name, value: unknown) => {
    if (value instanceof Reference) return value.toString();
    if (isBuffer(value)) return Buffer.from(value.data).toString("latin1");
    if (["at", "stream", "watchId"].includes(name)) return value;
    const isDefault =
      value === false || value === "" || value === "0" || value === 0 || (Array.isArray(value) && value.length === 0);
    return isDefault ? undefined : value;
  });
  return text.replaceAll(/v{100,}/g, (run) => `v×${run.length}`);
}

/** As JSON.stringify shows it. */
function isBuffer(value: unknown): value is { readonly data: readonly number[] } {
  return typeof value === "object" && value !== null && "type" in value && value.type === "Buffer";
}
