import { type CertificateSigningRequest, fromBase64 } from "../../api/mod.ts";
import { type Informer, isNotFound, type ObjectKey, sleep, type WorkQueue } from "../../client/mod.ts";
import { findCondition } from "../common/conditions.ts";
import { type Controller, type ControllerContext, controllerQueue } from "../common/controller.ts";
import { expiry } from "./authority.ts";

const hourMs = 3_600_000;
/** What is decided is kept this long, so that whoever asked can fetch it. */
const decidedMs = hourMs;
const pendingMs = 24 * hourMs;

/** Whether nobody will come for this request any more. `certificateEndsMs`: when what was issued expires. */
export function isStale(
  { metadata, status }: CertificateSigningRequest,
  certificateEndsMs: number | undefined,
  nowMs: number,
): boolean {
  const since = (time: string | undefined) => nowMs - (Date.parse(time ?? "") || nowMs);
  if (certificateEndsMs !== undefined && certificateEndsMs < nowMs) return true;
  const decided = (type: string) => since(findCondition(status?.conditions, type)?.lastUpdateTime) > decidedMs;
  if (decided("Denied") || decided("Failed")) return true;
  if (status?.certificate && decided("Approved")) return true;
  return (status?.conditions ?? []).length === 0 && since(metadata.creationTimestamp) > pendingMs;
}

/** Removes requests whose time is over. */
export class CertificateCleaner implements Controller {
  readonly name = "certificatesigningrequest-cleaner-controller";
  readonly workers = 1;
  readonly queue: WorkQueue;
  readonly #context: ControllerContext;
  readonly #requests: Informer<CertificateSigningRequest>;

  constructor(context: ControllerContext) {
    this.#context = context;
    this.queue = controllerQueue(this.name, context);
    this.#requests = context.informers.informer(context.client.certificateSigningRequests);
  }

  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      for (const { metadata } of this.#requests.lister.list()) this.queue.add(metadata.name ?? "");
      await sleep(this.#context.clock, hourMs, signal).catch(() => undefined);
    }
  }

  async reconcile(name: ObjectKey, signal: AbortSignal): Promise<undefined> {
    const { client, clock } = this.#context;
    const request = this.#requests.lister.get(undefined, name);
    if (request === undefined) return;
    const { certificate } = request.status ?? {};
    const endsMs = certificate ? await expiry(Buffer.from(fromBase64(certificate)).toString("utf8")) : undefined;
    if (!isStale(request, endsMs, clock.now())) return;
    try {
      const preconditions = { uid: request.metadata.uid };
      await client.certificateSigningRequests.delete(name, { preconditions, signal });
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }
}
