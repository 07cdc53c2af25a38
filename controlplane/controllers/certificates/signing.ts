import { type CertificateSigningRequest, fromBase64, toBase64 } from "../../api/mod.ts";
import { type Informer, type ObjectKey, timestamp, type WorkQueue } from "../../client/mod.ts";
import { type Controller, type ControllerContext, controllerQueue } from "../common/controller.ts";
import { CertificateAuthority, readRequest, type SigningPair } from "./authority.ts";
import { isApproved, isFailed, lifetimeMs, refusal, signers } from "./request.ts";

/** Issues the certificates of approved requests to the built-in signers. Requests to other signers are others' work. */
export class CertificateSigningController implements Controller {
  readonly name = "certificatesigningrequest-signing-controller";
  readonly workers = 5;
  readonly queue: WorkQueue;
  readonly #context: ControllerContext;
  readonly #pair: SigningPair;
  readonly #mostMs: number;
  readonly #requests: Informer<CertificateSigningRequest>;
  #authority: Promise<CertificateAuthority> | undefined;

  /** `mostMs`: how long a certificate is valid at most, and when nothing else is asked for. */
  constructor(context: ControllerContext, pair: SigningPair, mostMs: number) {
    this.#context = context;
    this.#pair = pair;
    this.#mostMs = mostMs;
    this.queue = controllerQueue(this.name, context);
    this.#requests = context.informers.informer(context.client.certificateSigningRequests);
    const look = (request: CertificateSigningRequest) => {
      if (isWaiting(request)) this.queue.add(request.metadata.name ?? "");
    };
    this.#requests.addHandler({ onAdd: look, onUpdate: (_, request) => look(request) });
  }

  async reconcile(name: ObjectKey, signal: AbortSignal): Promise<undefined> {
    const request = this.#requests.lister.get(undefined, name);
    if (request === undefined || !isWaiting(request)) return;
    const { spec } = request;
    const pem = Buffer.from(fromBase64(spec.request)).toString("utf8");
    const refused = refusal(spec.signerName, await readRequest(pem), spec.usages);
    if (refused !== undefined) return this.#fail(request, refused, signal);
    this.#authority ??= CertificateAuthority.load(this.#pair);
    const lifetime = lifetimeMs(spec.expirationSeconds, this.#mostMs);
    const signed = await (await this.#authority).sign(pem, spec.usages ?? [], lifetime, this.#context.clock.now());
    const status = { ...request.status, certificate: toBase64(Buffer.from(signed)) };
    await this.#context.client.certificateSigningRequests.updateStatus({ ...request, status }, { signal });
    this.#context.log("info", "certificate issued", { request: name, signer: spec.signerName });
  }

  async #fail(request: CertificateSigningRequest, message: string, signal: AbortSignal): Promise<undefined> {
    const now = timestamp(this.#context.clock.now());
    const failed = {
      type: "Failed",
      status: "True" as const,
      reason: "SignerValidationFailure",
      message,
      lastUpdateTime: now,
      lastTransitionTime: now,
    };
    const status = { ...request.status, conditions: [...(request.status?.conditions ?? []), failed] };
    await this.#context.client.certificateSigningRequests.updateStatus({ ...request, status }, { signal });
  }
}

const own = new Set<string>(Object.values(signers));

function isWaiting(request: CertificateSigningRequest): boolean {
  if (!isApproved(request) || isFailed(request) || request.status?.certificate) return false;
  return own.has(request.spec.signerName);
}
