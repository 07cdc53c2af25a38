import { type Clock, Failure, fromUtf8, toUtf8 } from "../../base/mod.ts";
import type { TlsOptions } from "../tls/mod.ts";
import { parseJson, toJson } from "./json.ts";
import { type ClusterMember, memberFromJson, memberToJson } from "./membership.ts";
import { Connection } from "./peer/connection.ts";
import { type FrameKind, frame, frameKinds } from "./peer/frame.ts";
import { encodeHello } from "./peer/hello.ts";
import { dial } from "./peer/network.ts";
import { peerRequests } from "./transport.ts";

export function encodeMembers(clusterId: bigint, members: readonly ClusterMember[]): Uint8Array {
  return toUtf8(toJson({ clusterId: clusterId.toString(16), members: members.map((member) => memberToJson(member)) }));
}

function decodeMembers(bytes: Uint8Array): { clusterId: bigint; members: ClusterMember[] } {
  const { clusterId, members } = parseJson(fromUtf8(bytes)) as { clusterId: string; members: string[] };
  return { clusterId: BigInt(`0x${clusterId}`), members: members.map(memberFromJson) };
}

/** Asks one member after the other who is in the cluster. Rejects with a `Failure` if none answers. */
export async function askForMembers(
  urls: readonly string[],
  tls: TlsOptions | undefined,
  clock: Clock,
  version: string,
): Promise<{ clusterId: bigint; members: readonly ClusterMember[] }> {
  const reasons: string[] = [];
  for (const url of urls) {
    try {
      return decodeMembers(await ask(url, tls, clock, version));
    } catch (error) {
      reasons.push(`${url}: ${(error as Error).message}`);
    }
  }
  throw new Failure(
    "NoPeerAnswers",
    `no member of the cluster to be joined answers (${reasons.join("; ")})`,
    "Check --initial-cluster and that the cluster runs",
  );
}

async function ask(url: string, tls: TlsOptions | undefined, clock: Clock, version: string): Promise<Uint8Array> {
  const socket = await dial(url, tls);
  return new Promise((resolve, reject) => {
    const answer = (kind: FrameKind, payload: Uint8Array) => {
      if (kind === frameKinds.welcome) {
        connection.write(frame(frameKinds.request, Uint8Array.of(1, 0, 0, 0, peerRequests.members)));
        return;
      }
      if (kind === frameKinds.response && payload[4] === 0) resolve(payload.slice(5));
      else reject(new Error(fromUtf8(payload)));
      connection.close("answered");
    };
    const connection: Connection = new Connection(socket, clock, {
      frame: answer,
      closed: (reason) => reject(new Error(reason)),
    });
    connection.send(frameKinds.hello, encodeHello({ clusterId: 0n, from: 0n, to: 0n, stream: "join", version }));
  });
}
