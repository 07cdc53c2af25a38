import { type Answer, type DecodedPacket, decode, encode, type OptAnswer, type Question } from "dns-packet";
import { plainReply, type Reply, rcodes } from "./answer.ts";

/** A query as it was understood. */
export interface Query {
  readonly id: number;
  readonly recursionDesired: boolean;
  readonly question: Question;
  /** Absent when the client does not speak EDNS (RFC 6891). */
  readonly edns: OptAnswer | undefined;
}

/** A query, or the bytes to answer with because it is none; undefined for what must not be answered. */
export type Parsed = { readonly query: Query } | { readonly refusal: Buffer | undefined };

/** Bits of the header's second word (RFC 1035 §4.1.1). */
const responseBit = 0x8000;
const authoritativeBit = 0x0400;
const truncatedBit = 0x0200;
const recursionDesiredBit = 0x0100;
const recursionAvailableBit = 0x0080;
const opcodeBits = 0x7800;

const headerLength = 12;
/** What a client without EDNS accepts over UDP (RFC 1035 §4.2.1). */
const plainUdpLimit = 512;
/** What passes everywhere unfragmented (DNS flag day 2020); more is not sent whatever a client offers. */
export const udpLimit = 1232;
const tcpLimit = 65_535;

/** An answer without a question: all that can be said to what was not understood. */
function headerOnly(id: number, flags: number, rcode: number): Buffer {
  const bytes = Buffer.alloc(headerLength);
  bytes.writeUInt16BE(id, 0);
  bytes.writeUInt16BE(responseBit | (flags & (opcodeBits | recursionDesiredBit)) | rcode, 2);
  return bytes;
}

/** The answer to bytes that cannot be answered as a query would be. */
export function refusalOf(bytes: Buffer, rcode: number): Buffer | undefined {
  // Answering an answer would let two servers talk to each other for ever.
  if (bytes.length < headerLength || (bytes.readUInt16BE(2) & responseBit) !== 0) return undefined;
  return headerOnly(bytes.readUInt16BE(0), bytes.readUInt16BE(2), rcode);
}

/** Labels that are not UTF-8, or hold a dot, cannot be spelled by the packet library: echoing them would change them. */
function isSpelledFaithfully(name: string, bytes: Buffer): boolean {
  if (name.includes("\u{fffd}")) return false;
  let labels = 0;
  for (let at = headerLength; (bytes[at] ?? 0) !== 0; at += (bytes[at] as number) + 1) labels++;
  return labels === (name === "." ? 0 : name.split(".").length);
}

export function parseQuery(bytes: Buffer): Parsed {
  if (bytes.length < headerLength || (bytes.readUInt16BE(2) & responseBit) !== 0) return { refusal: undefined };
  if ((bytes.readUInt16BE(2) & opcodeBits) !== 0) return { refusal: refusalOf(bytes, rcodes.notImplemented) };
  let packet: DecodedPacket;
  try {
    // The counts are believed before the records are there: eleven bytes a record is the least.
    const records = bytes.readUInt16BE(6) + bytes.readUInt16BE(8) + bytes.readUInt16BE(10);
    if (records * 11 > bytes.length) return { refusal: refusalOf(bytes, rcodes.formatError) };
    if (bytes.readUInt16BE(4) !== 1) return { refusal: refusalOf(bytes, rcodes.formatError) };
    packet = decode(bytes);
  } catch {
    return { refusal: refusalOf(bytes, rcodes.formatError) };
  }
  const [question] = packet.questions ?? [];
  if (question === undefined || !isSpelledFaithfully(question.name, bytes))
    return { refusal: refusalOf(bytes, rcodes.formatError) };
  const edns = packet.additionals?.find((record) => record.type === "OPT") as OptAnswer | undefined;
  return { query: { id: packet.id ?? 0, recursionDesired: packet.flag_rd, question, edns } };
}

/** The reply as bytes for the query; over UDP what does not fit is left out, and the client told to ask again by TCP. */
export function encodeReply(query: Query, reply: Reply, transport: "udp" | "tcp"): Buffer {
  const limit =
    transport === "tcp" ? tcpLimit : Math.min(udpLimit, Math.max(plainUdpLimit, query.edns?.udpPayloadSize ?? 0));
  const whole = packed(query, reply, 0);
  if (whole.length <= limit) return whole;
  // What is in the additional section is a courtesy: leaving it out is no truncation (RFC 2181 §9).
  const bare = { ...reply, additionals: [] };
  const answered = packed(query, bare, 0);
  if (answered.length <= limit) return answered;
  // The most answers that fit: some stub resolvers never ask by TCP and live with a part.
  let fits = 0;
  let tooMany = reply.answers.length + 1;
  while (tooMany - fits > 1) {
    const middle = Math.floor((fits + tooMany) / 2);
    if (packed(query, shortened(bare, middle), truncatedBit).length <= limit) fits = middle;
    else tooMany = middle;
  }
  return packed(query, shortened(bare, fits), truncatedBit);
}

function shortened(reply: Reply, count: number): Reply {
  return { ...reply, answers: reply.answers.slice(0, count), authorities: [] };
}

function packed({ id, recursionDesired, question, edns }: Query, reply: Reply, more: number): Buffer {
  const flags =
    (reply.rcode & 0x0f) |
    (reply.authoritative ? authoritativeBit : 0) |
    (recursionDesired ? recursionDesiredBit : 0) |
    recursionAvailableBit |
    more;
  return encode({
    type: "response",
    id,
    flags,
    questions: [question],
    answers: [...reply.answers],
    authorities: [...reply.authorities],
    additionals: [...reply.additionals, ...(edns === undefined ? [] : [ednsReply(edns, reply.rcode)])],
  });
}

/** Codes above 15 have their upper bits in the OPT record (RFC 6891 §6.1.3). The DO bit is copied (RFC 3225 §3). */
function ednsReply(edns: OptAnswer, rcode: number): Answer {
  return {
    type: "OPT",
    name: ".",
    udpPayloadSize: udpLimit,
    extendedRcode: rcode >> 4,
    ednsVersion: 0,
    flags: edns.flags & 0x8000,
    flag_do: edns.flag_do,
    options: [],
  };
}

/** The client speaks a newer EDNS than there is (RFC 6891 §6.1.3). */
export const badVersion = plainReply(16);
