import { randomInt } from "node:crypto";
import { type Answer, decode, encode, RECURSION_DESIRED } from "dns-packet";
import type { Log } from "../../base/mod.ts";
import { type Authority, answer, isClusterName, plainReply, type Reply, rcodes } from "./answer.ts";
import type { Forwarder } from "./forward.ts";
import { badVersion, encodeReply, parseQuery, type Query, refusalOf } from "./message.ts";
import type { Transport } from "./upstream.ts";
import type { World } from "./world.ts";

export interface ResolverOptions {
  readonly world: World;
  readonly authority: Authority;
  readonly forwarder: Forwarder;
  readonly log: Log;
  /** False until all of the world is known: until then nothing can be said not to exist. */
  isSynced(): boolean;
}

/** Bytes of a query to bytes of its response: the cluster's names from the world, all others from other servers. */
export class Resolver {
  readonly #options: ResolverOptions;

  constructor(options: ResolverOptions) {
    this.#options = options;
  }

  /** Undefined for what must not be answered. Never rejects. */
  async resolve(bytes: Buffer, transport: Transport): Promise<Buffer | undefined> {
    try {
      const parsed = parseQuery(bytes);
      if ("refusal" in parsed) return parsed.refusal;
      const reply = await this.#reply(parsed.query, bytes, transport);
      return Buffer.isBuffer(reply) ? reply : encodeReply(parsed.query, reply, transport);
    } catch (error) {
      this.#options.log("error", "a query could not be answered", { stack: (error as Error).stack });
      return refusalOf(bytes, rcodes.serverFailure);
    }
  }

  async #reply(query: Query, bytes: Buffer, transport: Transport): Promise<Reply | Buffer> {
    const { world, authority, forwarder, isSynced } = this.#options;
    const { question, edns } = query;
    if ((edns?.ednsVersion ?? 0) !== 0) return badVersion;
    if (question.class !== "IN") return plainReply(rcodes.refused);
    if (!isSynced() && isClusterName(authority, question.name)) return plainReply(rcodes.serverFailure);
    const own = isSynced() ? answer(world, authority, question) : undefined;
    if (own !== undefined) return own.continuesAt === undefined ? own : this.#continued(own, own.continuesAt, query);
    if (!forwarder.hasServers) return plainReply(rcodes.refused);
    return (await forwarder.forward(bytes, transport)) ?? plainReply(rcodes.serverFailure);
  }

  /** Stub resolvers do not follow aliases themselves: what the alias stands for belongs into the same response. */
  async #continued(reply: Reply, name: string, { question }: Query): Promise<Reply> {
    const { forwarder } = this.#options;
    if (!forwarder.hasServers) return reply;
    const asked = encode({
      type: "query",
      id: randomInt(0x1_0000),
      flags: RECURSION_DESIRED,
      questions: [{ name, type: question.type, class: "IN" }],
    });
    // By TCP nothing is left out; the client's own transport limits the response afterwards.
    const response = (await forwarder.forward(asked, "udp")) ?? undefined;
    const whole = isTruncated(response) ? await forwarder.forward(asked, "tcp") : response;
    if (whole === undefined) return { ...reply, rcode: rcodes.serverFailure };
    const { answers = [], authorities = [], flags = 0 } = decode(whole);
    return {
      ...reply,
      rcode: flags & 0x0f,
      answers: [...reply.answers, ...(answers as Answer[])],
      authorities: answers.length > 0 ? [] : authorities,
    };
  }
}

function isTruncated(response: Buffer | undefined): boolean {
  return response !== undefined && (response.readUInt16BE(2) & 0x0200) !== 0;
}
