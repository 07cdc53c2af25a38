import type { Answer, Question } from "dns-packet";
import { addressOfReverseName, canonical, labelsBelow } from "./names.ts";
import { pointersAt, type ResourceRecord, recordsAt, startOfAuthority, ttlSeconds } from "./records.ts";
import type { World } from "./world.ts";

/** The response codes that are used here (RFC 1035 §4.1.1). */
export const rcodes = { noError: 0, formatError: 1, serverFailure: 2, nameError: 3, notImplemented: 4, refused: 5 };

/** What this server speaks for. */
export interface Authority {
  /** Canonical. */
  readonly zone: string;
  /** The zone's name server: the cluster IP of Service kube-dns. */
  readonly serverAddress: string;
  /** Reverse names of these addresses are ours even when nobody has the address. */
  isServiceAddress(address: string): boolean;
}

export interface Reply {
  readonly rcode: number;
  readonly authoritative: boolean;
  readonly answers: readonly Answer[];
  readonly authorities: readonly Answer[];
  readonly additionals: readonly Answer[];
  /** The answers end in an alias for this name, which others know more about. */
  readonly continuesAt?: string;
}

/** A reply that holds nothing but its code. */
export function plainReply(rcode: number): Reply {
  return { rcode, authoritative: false, answers: [], authorities: [], additionals: [] };
}

/** A chain of aliases that is longer than this is taken for a loop. */
const longestChain = 8;

function owned(name: string, record: ResourceRecord): Answer {
  const common = { name, ttl: ttlSeconds, class: "IN" } as const;
  switch (record.type) {
    case "SRV":
      return { ...common, type: "SRV", data: record.data };
    case "SOA":
      return { ...common, type: "SOA", data: record.data };
    case "TXT":
      return { ...common, type: "TXT", data: record.data };
    default:
      return { ...common, type: record.type, data: record.data };
  }
}

/** Whether the name is in the cluster's zone; such names never go to other servers. */
export function isClusterName(authority: Authority, name: string): boolean {
  return labelsBelow(canonical(name), authority.zone) !== undefined;
}

/** The reply to one question of class IN; undefined when the name is for others to resolve. Owners are spelled as the question is. */
export function answer(world: World, authority: Authority, question: Question): Reply | undefined {
  const { zone } = authority;
  const name = canonical(question.name);
  if (labelsBelow(name, zone) !== undefined) return inZone(world, authority, question);
  const address = addressOfReverseName(name);
  if (address === undefined) return undefined;
  const pointers = pointersAt(world, zone, name);
  if (pointers === undefined) return authority.isServiceAddress(address) ? absent(question.name, undefined) : undefined;
  const wanted = pointers.filter((record) => matches(question, record));
  if (wanted.length === 0) return absent(question.name, []);
  return { ...plainReply(rcodes.noError), authoritative: true, answers: wanted.map((it) => owned(question.name, it)) };
}

function matches({ type }: Question, record: ResourceRecord): boolean {
  return record.type === type || (type as string) === "ANY";
}

/** No such name (RFC 2308 §2.1), or nothing of the type there (§2.2); the SOA says for how long that may be believed. */
function absent(zone: string, records: readonly ResourceRecord[] | undefined, answers: readonly Answer[] = []): Reply {
  return {
    rcode: records === undefined ? rcodes.nameError : rcodes.noError,
    authoritative: true,
    answers,
    authorities: [owned(zone, startOfAuthority(zone))],
    additionals: [],
  };
}

function inZone(world: World, authority: Authority, question: Question): Reply {
  const { zone, serverAddress } = authority;
  const at = (name: string) => recordsAt(world, zone, serverAddress, name);
  const answers: Answer[] = [];
  let owner = question.name;
  for (let hop = 0; hop < longestChain; hop++) {
    const records = at(canonical(owner));
    const wanted = (records ?? []).filter((record) => matches(question, record));
    if (wanted.length > 0) {
      answers.push(...wanted.map((record) => owned(owner, record)));
      return { ...plainReply(rcodes.noError), authoritative: true, answers, additionals: glue(wanted, at) };
    }
    const alias = records?.find((record) => record.type === "CNAME");
    if (alias?.type !== "CNAME") return absent(zone, records, answers);
    answers.push(owned(owner, alias));
    owner = alias.data;
    if (!isClusterName(authority, owner))
      return { ...plainReply(rcodes.noError), authoritative: true, answers, continuesAt: owner };
  }
  return plainReply(rcodes.serverFailure);
}

/** The addresses of what the answers point to: they spare the client a question each. */
function glue(
  records: readonly ResourceRecord[],
  at: (name: string) => readonly ResourceRecord[] | undefined,
): Answer[] {
  const targets = records.flatMap((record) => (record.type === "SRV" ? [record.data.target] : []));
  return [...new Set(targets)].flatMap((target) =>
    (at(target) ?? []).filter(({ type }) => type === "A" || type === "AAAA").map((record) => owned(target, record)),
  );
}
