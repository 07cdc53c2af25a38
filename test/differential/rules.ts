// Where Debian's etcd 3.4.23 and this store, which follows 3.7, may differ. Each rule turns what 3.4 says into what 3.7 says, where it
// applies, and names why; whatever no rule explains is a difference.
import type { Operation } from "./operations.ts";
import type { Message } from "./wire.ts";

/** What an operation came to, on one side: ids by their names, bytes as text. */
export type Outcome = { readonly message: Message } | { readonly code: number; readonly text: string };

export interface Question {
  readonly operation: Operation;
  readonly name: string;
  /** As it was sent to our side. */
  readonly request: Message;
  /** Whether authentication is on, and the call carries no token, a forged one, that of root or of another login. */
  readonly identity: "not asked" | "nobody" | "forged" | "root" | "login";
}

export interface Rule {
  readonly name: string;
  readonly because: string;
  readonly newer: (question: Question, theirs: Outcome, ours: Outcome) => Outcome;
}

const invalidSort: Outcome = { code: 3, text: "etcdserver: invalid sort option" };

const openToAll = ["Maintenance/Status", "Cluster/MemberList", "Lease/LeaseLeases", "Lease/LeaseTimeToLive"];

/** Failures found while a transaction is applied. */
const foundWhenApplied = [
  "etcdserver: key not found",
  "etcdserver: requested lease not found",
  "etcdserver: mvcc: required revision has been compacted",
  "etcdserver: mvcc: required revision is a future revision",
];

const userEmpty: Outcome = { code: 3, text: "etcdserver: user name is empty" };
const invalidToken: Outcome = { code: 16, text: "etcdserver: invalid auth token" };
const permissionDenied: Outcome = { code: 7, text: "etcdserver: permission denied" };

export const rules: readonly Rule[] = [
  {
    name: "refused maintenance",
    because: "3.4 sends the Maintenance service's refusals with their internal text and without a code",
    newer: ({ name }, theirs) => {
      if (!name.startsWith("Maintenance/") || !("code" in theirs) || !theirs.text.startsWith("auth: ")) return theirs;
      const text = theirs.text.replace("auth: ", "etcdserver: ");
      return (
        [userEmpty, invalidToken, permissionDenied].find((known) => "text" in known && known.text === text) ?? theirs
      );
    },
  },
  {
    name: "users alone",
    because: "alarms, members, leases and the status are shown to users alone since 3.6, to everybody by 3.4",
    newer: ({ name, identity, request: { action } }, theirs) => {
      const isOpen = (name === "Maintenance/Alarm" && (action ?? 0) === 0) || openToAll.includes(name);
      if (!isOpen || "code" in theirs) return theirs;
      if (identity === "forged") return invalidToken;
      return identity === "nobody" ? userEmpty : theirs;
    },
  },
  {
    name: "root alone",
    because: "who leads is root's affair since 3.7, everybody's in 3.4",
    newer: ({ name, identity }, theirs) => {
      if (name !== "Maintenance/MoveLeader") return theirs;
      if (identity === "forged") return invalidToken;
      if (identity === "nobody") return userEmpty;
      return identity === "login" ? permissionDenied : theirs;
    },
  },
  {
    name: "keys only",
    because: "3.7 answers keys_only from its index, which does not know leases",
    newer: ({ name, request }, theirs) => {
      if (!("message" in theirs)) return theirs;
      if (name === "KV/Range" || name === "KV/RangeStream") return { message: withoutLeases(request, theirs.message) };
      return name === "KV/Txn" ? { message: withoutLeasesInTxn(request, theirs.message) } : theirs;
    },
  },
  {
    name: "sort options",
    because: "an order that has no name is refused since 3.5",
    newer: ({ name, request: { key, sort_order } }, theirs) => {
      const isRange = name === "KV/Range" || name === "KV/RangeStream";
      return isRange && (sort_order as number) > 2 && (key as Buffer).length > 0 ? invalidSort : theirs;
    },
  },
  {
    name: "first failure",
    because: "of two operations of a transaction that cannot be applied, 3.4 names puts before ranges, 3.7 the first",
    newer: ({ name }, theirs, ours) => {
      if (name !== "KV/Txn" || !("code" in theirs) || !("code" in ours)) return theirs;
      return [theirs, ours].every(({ text }) => foundWhenApplied.includes(text)) ? ours : theirs;
    },
  },
  {
    name: "alarm headers",
    because: "an answer to Alarm has a header since 3.5",
    newer: ({ name }, theirs, ours) => {
      if (name !== "Maintenance/Alarm" || !("message" in theirs) || !("message" in ours)) return theirs;
      return { message: { ...theirs.message, header: ours.message.header } };
    },
  },
  {
    name: "status fields",
    because: "since 3.6 Status tells of the storage version, the quota and a downgrade",
    newer: ({ name }, theirs, ours) => {
      if (name !== "Maintenance/Status" || !("message" in theirs) || !("message" in ours)) return theirs;
      const { storageVersion, dbSizeQuota, downgradeInfo } = ours.message;
      return { message: { ...theirs.message, storageVersion, dbSizeQuota, downgradeInfo } };
    },
  },
  {
    name: "leases' keys",
    because: "since 3.4.26 who may not read the keys of leases is not told of them",
    newer: ({ name, identity }, theirs, ours) => {
      const tellsOfKeys = name === "Lease/LeaseLeases" || name === "Lease/LeaseTimeToLive";
      return tellsOfKeys && identity === "login" && "code" in ours && ours.code === 7 ? permissionDenied : theirs;
    },
  },
  {
    name: "renewals",
    because: "since 3.7 a lease is kept alive by who may write its keys, in 3.4 by everybody",
    newer: ({ name, identity }, theirs, ours) => {
      if (name !== "Lease/LeaseKeepAlive" || !("code" in ours) || identity === "not asked" || identity === "root")
        return theirs;
      const refusals = [userEmpty, invalidToken, permissionDenied];
      return refusals.find((known) => "code" in known && known.text === ours.text) ?? theirs;
    },
  },
  {
    name: "root's permission",
    because: "since 3.5 the role root shows the permission to everything that it always had",
    newer: ({ name, request: { role } }, theirs) => {
      const isRoot = name === "Auth/RoleGet" && role === "root" && "message" in theirs;
      return isRoot ? { message: { ...theirs.message, perm: [{ permType: 2, range_end: "\0" }] } } : theirs;
    },
  },
  {
    name: "hash at the compacted revision",
    because: "3.4 refuses to hash there; since 3.6 the answer also says at which revision it was made",
    newer: ({ name }, theirs, ours) => {
      if (name !== "Maintenance/HashKV" || !("message" in ours)) return theirs;
      if ("code" in theirs) {
        const { compact_revision, hash_revision } = ours.message;
        const isThere = hash_revision === undefined || compact_revision === hash_revision;
        return isThere && theirs.text.includes("compacted") ? ours : theirs;
      }
      return {
        message: {
          ...theirs.message,
          ...("hash_revision" in ours.message ? { hash_revision: ours.message.hash_revision } : {}),
        },
      };
    },
  },
];

function withoutLeases(request: Message, answer: Message): Message {
  if (request.keys_only !== true || request.sort_target === 4 || answer.kvs === undefined) return answer;
  return { ...answer, kvs: (answer.kvs as readonly Message[]).map(({ lease: _, ...kv }) => kv) };
}

function withoutLeasesInTxn(request: Message, answer: Message): Message {
  if (answer.responses === undefined) return answer;
  const ops = (answer.succeeded === true ? request.success : request.failure) as readonly Message[];
  const responses = (answer.responses as readonly Message[]).map((response, at) => {
    const { request_range, request_txn } = ops[at] as Record<string, Message | undefined>;
    if (request_range !== undefined)
      return { response_range: withoutLeases(request_range, response.response_range as Message) };
    if (request_txn !== undefined)
      return { response_txn: withoutLeasesInTxn(request_txn, response.response_txn as Message) };
    return response;
  });
  return { ...answer, responses };
}

/** Sides need not agree in these: they are of one process, disk or clock. */
export function ofItsOwn(name: string, message: Message): Message {
  switch (name) {
    case "Maintenance/Status": {
      const { dbSizeInUse: _, ...rest } = message;
      return {
        ...rest,
        ...typesOf(message, "dbSize", "raftIndex", "raftAppliedIndex", "raftTerm", "leader", "version"),
      };
    }
    // The time that is left was counted by two clocks.
    case "Lease/LeaseTimeToLive":
      return message.TTL === "-1"
        ? message
        : {
            ...message,
            // In the order of a map of Go's.
            keys: inOrder(message.keys),
            TTL: Math.abs(Number(message.TTL) - Number(message.grantedTTL)) < 5 ? "<nearly all>" : message.TTL,
          };
    // In order of their random ids.
    case "Cluster/MemberAdd":
    case "Cluster/MemberRemove":
    case "Cluster/MemberUpdate":
    case "Cluster/MemberList":
    case "Cluster/MemberPromote":
      return { ...message, members: inOrder(message.members) };
    // In order of expiry, which only the leader knows.
    case "Lease/LeaseLeases":
      return { ...message, leases: inOrder(message.leases) };
    case "Maintenance/Alarm":
      return { ...message, alarms: inOrder(message.alarms) };
    case "Auth/Authenticate":
      return { ...message, ...typesOf(message, "token") };
    default:
      return message;
  }
}

function typesOf(message: Message, ...names: readonly string[]): Message {
  return Object.fromEntries(names.map((name) => [name, name in message ? "<some>" : "<none>"]));
}

function inOrder(list: unknown): unknown {
  const items = (list ?? []) as readonly unknown[];
  return items.map((item) => JSON.stringify(item)).sort();
}
