import {
  type DeleteRangeRequest,
  type DeleteRangeResponse,
  EventType,
  type Init,
  KVService,
  type LeaseGrantRequest,
  type LeaseGrantResponse,
  LeaseService,
  type Method,
  type RangeRequest,
  type RangeResponse,
  Status,
  type TxnRequest,
  type TxnResponse,
  WatchRequest,
  type WatchResponse,
  WatchService,
} from "../../proto/mod.ts";
import { type Call, type GrpcServer, RpcError } from "./grpc/mod.ts";

/** Why a call ends for which nobody waits any more. */
class Abandoned extends Error {
  override readonly name = "Abandoned";
}

/**
 * This member's own services, called on behalf of a client whose call is answered with their help: who may do what, the quota and
 * the limits hold as if the client had made these calls. When the client goes, they reject with `Abandoned`. A failure of one
 * becomes Unknown with the text of the failure, which is what etcd's lock and election services make of it.
 */
export class OwnCalls {
  readonly #server: Pick<GrpcServer, "call">;
  readonly #client: Call;
  readonly #underWay = new Set<() => void>();
  #abandoned = false;

  private constructor(server: Pick<GrpcServer, "call">, client: Call) {
    this.#server = server;
    this.#client = client;
  }

  static of(server: Pick<GrpcServer, "call">, client: Call): OwnCalls {
    const calls = new OwnCalls(server, client);
    client.onCancel = () => calls.#abandon();
    return calls;
  }

  get abandoned(): boolean {
    return this.#abandoned;
  }

  /** Calls that go on although the client has gone: they clean up after it. */
  afterwards(): OwnCalls {
    return new OwnCalls(this.#server, this.#client);
  }

  range(request: Init<RangeRequest>): Promise<RangeResponse> {
    return this.#ask(KVService.methods.range, request);
  }

  txn(request: Init<TxnRequest>): Promise<TxnResponse> {
    return this.#ask(KVService.methods.txn, request);
  }

  deleteRange(request: Init<DeleteRangeRequest>): Promise<DeleteRangeResponse> {
    return this.#ask(KVService.methods.deleteRange, request);
  }

  leaseGrant(request: Init<LeaseGrantRequest>): Promise<LeaseGrantResponse> {
    return this.#ask(LeaseService.methods.leaseGrant, request);
  }

  /** Hears of changes from `startRevision` on, until `enough` says so. */
  watch(
    keys: { readonly key: Uint8Array; readonly rangeEnd?: Uint8Array; readonly startRevision: number },
    enough: (response: WatchResponse) => boolean,
  ): Promise<void> {
    return this.#underway((resolve, reject) => {
      const message = (answer: unknown) => {
        const response = answer as WatchResponse;
        if (response.canceled) reject(unknown(whyCanceled(response)));
        else if (response.events.length > 0 && enough(response)) resolve();
        else return true;
        call.cancel();
        return true;
      };
      const end = (_: Status, text: string) => reject(unknown(text || "lost watcher waiting for delete"));
      const call = this.#server.call(WatchService.methods.watch.path, this.#caller(), { message, end }, false);
      call.send(WatchRequest.create({ createRequest: keys }));
      return call;
    });
  }

  /** Resolves when the key, which lived at `revision`, is deleted. */
  deletion(key: Uint8Array, revision: number): Promise<void> {
    const isDeletion = ({ type }: { readonly type: number }) => type === EventType.DELETE;
    return this.watch({ key, startRevision: revision }, ({ events }) => events.some(isDeletion));
  }

  #abandon(): void {
    this.#abandoned = true;
    for (const giveUp of this.#underWay) giveUp();
  }

  #ask<Request, Response>(method: Method<Request, Response>, request: Init<Request>): Promise<Response> {
    return this.#underway((resolve, reject) => {
      const message = (response: unknown) => {
        resolve(response as Response);
        return true;
      };
      const end = (_: Status, text: string) => reject(unknown(text));
      const call = this.#server.call(method.path, this.#caller(), { message, end }, false);
      call.send(method.request.create(request));
      call.close();
      return call;
    });
  }

  #underway<T>(start: (resolve: (value: T) => void, reject: (error: Error) => void) => { cancel(): void }): Promise<T> {
    if (this.#abandoned) return Promise.reject(new Abandoned());
    let giveUp: (() => void) | undefined;
    const answer = new Promise<T>((resolve, reject) => {
      const call = start(resolve, reject);
      giveUp = () => {
        call.cancel();
        reject(new Abandoned());
      };
      this.#underWay.add(giveUp);
    });
    return answer.finally(() => this.#underWay.delete(giveUp!));
  }

  #caller() {
    const client = this.#client;
    return { peer: client.peer, metadata: (key: string) => client.metadata(key) };
  }
}

function unknown(text: string): RpcError {
  return new RpcError(Status.Unknown, text);
}

function whyCanceled({ cancelReason, compactRevision }: WatchResponse): string {
  if (compactRevision !== 0) return "etcdserver: mvcc: required revision has been compacted";
  return cancelReason;
}

/** Nobody hears what became of a call whose client has gone. */
export async function unlessAbandoned(answer: () => Promise<void>): Promise<void> {
  try {
    await answer();
  } catch (error) {
    if (!(error instanceof Abandoned)) throw error;
  }
}
