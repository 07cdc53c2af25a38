import { type Clock, Failure, fromUtf8, type Log, pause, toUtf8 } from "../../base/mod.ts";
import type { TlsOptions } from "../tls/mod.ts";
import { parseJson, toJson } from "./json.ts";
import { type ClusterMember, memberFromJson, memberToJson } from "./membership.ts";
import type { MemberOptions } from "./options.ts";
import { Connection } from "./peer/connection.ts";
import { type FrameKind, frame, frameKinds } from "./peer/frame.ts";
import { encodeHello } from "./peer/hello.ts";
import { dial } from "./peer/network.ts";
import { peerRequests } from "./transport.ts";

/** What a member answers that has applied all up to `index`. */
export function encodeMembers(clusterId: bigint, members: readonly ClusterMember[], index: number): Uint8Array {
  return toUtf8(toJson({ clusterId: clusterId.toString(16), members: members.map((one) => memberToJson(one)), index }));
}

function decodeMembers(bytes: Uint8Array): Answer {
  const { clusterId, members, index } = parseJson(fromUtf8(bytes)) as {
    clusterId: string;
    members: string[];
    index: number;
  };
  return { clusterId: BigInt(`0x${clusterId}`), members: members.map(memberFromJson), index };
}

/** Who is in a cluster, as one of its members knows it. */
interface Answer {
  readonly clusterId: bigint;
  readonly members: readonly ClusterMember[];
  /** As of this one. */
  readonly index: number;
}

/** Who is in a cluster, as the one knows it who knows most of those that answered. */
export interface KnownMembers extends Answer {
  /** Who gave no answer. */
  readonly unheard: ReadonlySet<string>;
}

/** Members of the cluster to be joined, as one of them answered: as soon as one can whose answer is up to date. */
export type AskForMembers = (
  urls: readonly string[],
  upToDate?: (members: readonly ClusterMember[]) => boolean,
) => Promise<KnownMembers>;

/** How long a change of the members may be news to those who can be asked: they may lag, or just be starting themselves. */
const newsMs = 5000;
/** The same while one of them gives no answer, who may be the one that knows. */
const unheardMs = 15_000;
const againMs = 200;
/** Who is asked may wait for its quorum first (`patienceMs` of peer-answers.ts). */
const answerMs = 5000;

/**
 * Asks the members at `urls` who is in the cluster, until an answer is `upToDate`. If none is within five seconds, fifteen if
 * somebody does not answer, the latest that anybody knows is what is known. Rejects with a `Failure` if nobody answers.
 */
export function askForMembers(
  urls: readonly string[],
  tls: TlsOptions | undefined,
  clock: Clock,
  version: string,
  upToDate?: (members: readonly ClusterMember[]) => boolean,
): Promise<KnownMembers> {
  return askEachForMembers(urls, (url) => ask(url, tls, clock, version), clock, upToDate);
}

/** The same, `ask` giving what the member at `url` answers (`encodeMembers`). */
export async function askEachForMembers(
  urls: readonly string[],
  ask: (url: string) => Promise<Uint8Array>,
  clock: Clock,
  upToDate: (members: readonly ClusterMember[]) => boolean = () => true,
): Promise<KnownMembers> {
  const since = clock.monotonic();
  const unheard = new Set(urls);
  let known: KnownMembers | undefined;
  const current = async (url: string): Promise<KnownMembers> => {
    const answer = { ...decodeMembers(await ask(url)), unheard };
    unheard.delete(url);
    if (known === undefined || answer.index >= known.index) known = answer;
    if (!upToDate(answer.members)) throw new Error("it does not know of this member");
    return answer;
  };
  for (;;) {
    try {
      return await Promise.any(urls.map(current));
    } catch (error) {
      if (!(error instanceof AggregateError)) throw error;
      if (known === undefined) {
        const reasons = error.errors.map((reason: Error, at) => `${urls[at]}: ${reason.message}`);
        throw new Failure(
          "NoPeerAnswers",
          `no member of the cluster to be joined answers (${reasons.join("; ")})`,
          "Check --initial-cluster and that the cluster runs",
        );
      }
    }
    if (clock.monotonic() - since > (unheard.size > 0 ? unheardMs : newsMs)) return known;
    await pause(clock, againMs);
  }
}

/** Where those are to be found whom --initial-cluster has besides this member. */
export function urlsOfOthers({ initialCluster, name }: MemberOptions): readonly string[] {
  return [...initialCluster].filter(([other]) => other !== name).flatMap(([, urls]) => urls);
}

/**
 * Asks as one that is a member already. Nobody of those it was once told of may be left: if none answers, it starts all the same, and
 * who the others are it learns from those that connect to it.
 */
export async function membersOrNobody(
  urls: readonly string[],
  ask: AskForMembers,
  log: Log,
  upToDate?: (members: readonly ClusterMember[]) => boolean,
): Promise<readonly ClusterMember[]> {
  try {
    if (urls.length > 0) return (await ask(urls, upToDate)).members;
  } catch (error) {
    if (!(error instanceof Failure) || error.code !== "NoPeerAnswers") throw error;
  }
  log("warn", "nobody in --initial-cluster answers; waiting for members to connect", { asked: urls.join() });
  return [];
}

async function ask(url: string, tls: TlsOptions | undefined, clock: Clock, version: string): Promise<Uint8Array> {
  const socket = await dial(url, tls, answerMs);
  return new Promise((resolve, reject) => {
    const timer = clock.after(answerMs, () => connection.close(`no answer within ${answerMs} ms`));
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
      closed: (reason) => {
        timer.cancel();
        reject(new Error(reason));
      },
    });
    connection.send(
      frameKinds.hello,
      encodeHello({ clusterId: 0n, from: 0n, to: 0n, stream: "join", version, peerUrls: [] }),
    );
  });
}
