import { fromUtf8, toUtf8 } from "../../../base/mod.ts";

/**
 * What a connection is for. Heartbeats and votes have one of their own, so that they never queue behind entries; a snapshot
 * takes a fresh one; a member that joins asks its questions on `join`, before it knows the cluster's id.
 */
export type StreamKind = "message" | "append" | "snapshot" | "join";
const streamKinds: readonly string[] = ["message", "append", "snapshot", "join"] satisfies StreamKind[];

/** Introduces the dialer. The acceptor answers with its own, so that both know each other's version. */
export interface Hello {
  readonly clusterId: bigint;
  readonly from: bigint;
  readonly to: bigint;
  readonly stream: StreamKind;
  readonly version: string;
  /** Where the dialer is to be found. Empty if it does not say. */
  readonly peerUrls: readonly string[];
}

const protocol = "flotilla-peer-1";

export function encodeHello(hello: Hello): Uint8Array {
  const { clusterId, from, to, stream, version, peerUrls } = hello;
  const ids = { clusterId: clusterId.toString(16), from: from.toString(16), to: to.toString(16) };
  return toUtf8(JSON.stringify({ protocol, ...ids, stream, version, peerUrls }));
}

/** Undefined if it is none. */
export function decodeHello(bytes: Uint8Array): Hello | undefined {
  let value: unknown;
  try {
    value = JSON.parse(fromUtf8(bytes));
  } catch {
    return undefined; // a stranger
  }
  if (typeof value !== "object" || value === null) return undefined;
  const { protocol: spoken, clusterId, from, to, stream, version, peerUrls } = value as Record<string, unknown>;
  const id = (text: unknown) =>
    typeof text === "string" && /^[0-9a-f]{1,16}$/.test(text) ? BigInt(`0x${text}`) : undefined;
  const [clusterNumber, fromNumber, toNumber] = [id(clusterId), id(from), id(to)];
  if (spoken !== protocol || clusterNumber === undefined || fromNumber === undefined || toNumber === undefined)
    return undefined;
  if (typeof stream !== "string" || !streamKinds.includes(stream) || typeof version !== "string") return undefined;
  return {
    ...{ clusterId: clusterNumber, from: fromNumber, to: toNumber, stream: stream as StreamKind, version },
    peerUrls: Array.isArray(peerUrls) ? peerUrls.filter((url) => typeof url === "string") : [],
  };
}
