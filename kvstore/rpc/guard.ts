import { ClusterService, KVService, LeaseService, MaintenanceService } from "../../proto/mod.ts";
import type { Access } from "./access.ts";
import { failCallWith } from "./answer.ts";
import type { BidiCall, BidiHandler, Call, Implementation, Receiver, UnaryHandler } from "./grpc/mod.ts";

const { memberRemove, memberUpdate, memberPromote, memberList } = ClusterService.methods;
const { defragment, hash, hashKV, snapshot, moveLeader, downgrade, status } = MaintenanceService.methods;
const { leaseGrant, leaseRevoke, leaseTimeToLive } = LeaseService.methods;

const administration = [memberRemove, memberUpdate, memberPromote];
const operation = [defragment, hash, hashKV, snapshot, moveLeader, downgrade, KVService.methods.compact];

// While auth is enabled. All other methods ask for rights on keys, or where their entry is applied.
const forRoot = new Set([...administration, ...operation].map(({ path }) => path));
const forUsers = new Set([memberList, status, leaseGrant, leaseRevoke, leaseTimeToLive].map(({ path }) => path));

/** Gives a promise to wait for, rarely. */
export type Wait = (call: Call) => Promise<void> | undefined;

/**
 * Puts what auth asks for before the handlers of a service. A client that logged in at one member goes on at the next with a token
 * that this one may not have heard of: calls whose token was made by an entry that is not applied here wait for it (as with etcd's
 * `indexWaiter`).
 */
export function guarded({ service, handlers }: Implementation, access: Access, wait: Wait): Implementation {
  const guards = Object.entries(handlers).map(([name, handler]) => {
    const { kind, path } = service.methods[name]!;
    const check = checkOf(access, path);
    if (kind === "bidi") return [name, guardedStream(handler as Stream, wait)];
    return [name, guardedCall(handler as Unary, wait, check)];
  });
  return { service, handlers: Object.fromEntries(guards) };
}

type Unary = UnaryHandler<unknown, unknown>;
type Stream = BidiHandler<unknown, unknown>;

function checkOf(access: Access, path: string): ((call: Call) => void) | undefined {
  if (forRoot.has(path)) return (call) => access.requireRoot(call);
  return forUsers.has(path) ? (call) => access.requireUser(call) : undefined;
}

/** Server streams too: their handlers have the same form. */
function guardedCall(handler: Unary, wait: Wait, check: ((call: Call) => void) | undefined): Unary {
  const run: Unary = (request, call) => {
    check?.(call);
    return handler(request, call);
  };
  return (request, call) => {
    const known = wait(call);
    if (known === undefined) return run(request, call);
    return known.then(() => (call.cancelled ? undefined : run(request, call)));
  };
}

function guardedStream(handler: Stream, wait: Wait): Stream {
  return (call) => {
    const known = wait(call);
    return known === undefined ? handler(call) : new LateReceiver(call, known, handler);
  };
}

/** Keeps what the client sends until there is somebody to receive it. */
class LateReceiver implements Receiver<unknown> {
  #early: unknown[] = [];
  #receiver: Receiver<unknown> | undefined;
  #ended = false;

  constructor(call: BidiCall<unknown>, known: Promise<void>, handler: Stream) {
    call.pause();
    known
      .then(() => {
        if (call.cancelled) return;
        const receiver = handler(call);
        for (const request of this.#early) receiver.message(request);
        if (this.#ended) receiver.end();
        this.#receiver = receiver;
        this.#early = [];
        call.resume();
      })
      .catch((error: unknown) => failCallWith(call, error));
  }

  message(request: unknown): void {
    if (this.#receiver === undefined) this.#early.push(request);
    else this.#receiver.message(request);
  }

  end(): void {
    this.#ended = true;
    this.#receiver?.end();
  }
}
