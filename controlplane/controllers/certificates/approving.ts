import { type CertificateSigningRequest, fromBase64, type SubjectAccessReview } from "../../api/mod.ts";
import { type Informer, type ObjectKey, timestamp, type WorkQueue } from "../../client/mod.ts";
import { type Controller, type ControllerContext, controllerQueue } from "../common/controller.ts";
import { readRequest } from "./authority.ts";
import { type Requested, refusal, signers } from "./request.ts";

/** Approves what kubelets ask for themselves, where the one who asks is allowed to create such requests (RBAC, by SubjectAccessReview). */
export class CertificateApprovingController implements Controller {
  readonly name = "certificatesigningrequest-approving-controller";
  readonly workers = 5;
  readonly queue: WorkQueue;
  readonly #context: ControllerContext;
  readonly #requests: Informer<CertificateSigningRequest>;

  constructor(context: ControllerContext) {
    this.#context = context;
    this.queue = controllerQueue(this.name, context);
    this.#requests = context.informers.informer(context.client.certificateSigningRequests);
    const look = (request: CertificateSigningRequest) => {
      if (isUndecided(request)) this.queue.add(request.metadata.name ?? "");
    };
    this.#requests.addHandler({ onAdd: look, onUpdate: (_, request) => look(request) });
  }

  async reconcile(name: ObjectKey, signal: AbortSignal): Promise<undefined> {
    const request = this.#requests.lister.get(undefined, name);
    if (request === undefined || !isUndecided(request)) return;
    const requested = await readRequest(Buffer.from(fromBase64(request.spec.request)).toString("utf8"));
    for (const { subresource, message } of recognized(request, requested)) {
      if (await this.#may(request, subresource, signal)) return this.#approve(request, message, signal);
    }
  }

  async #may({ spec }: CertificateSigningRequest, subresource: string, signal: AbortSignal): Promise<boolean> {
    const review: SubjectAccessReview = {
      apiVersion: "authorization.k8s.io/v1",
      kind: "SubjectAccessReview",
      metadata: { name: "" },
      spec: {
        user: spec.username,
        uid: spec.uid,
        groups: spec.groups,
        extra: spec.extra,
        resourceAttributes: {
          group: "certificates.k8s.io",
          resource: "certificatesigningrequests",
          verb: "create",
          subresource,
          version: "*",
        },
      },
    };
    const path = "/apis/authorization.k8s.io/v1/subjectaccessreviews";
    const answer = await this.#context.client.request<SubjectAccessReview>("POST", path, { body: review, signal });
    return answer.status?.allowed === true;
  }

  async #approve(request: CertificateSigningRequest, message: string, signal: AbortSignal): Promise<undefined> {
    const now = timestamp(this.#context.clock.now());
    const condition = {
      type: "Approved",
      status: "True" as const,
      reason: "AutoApproved",
      message,
      lastUpdateTime: now,
      lastTransitionTime: now,
    };
    const status = { ...request.status, conditions: [...(request.status?.conditions ?? []), condition] };
    const { resource } = this.#context.client.certificateSigningRequests;
    const { name = "" } = request.metadata;
    await resource.updateSubresource(undefined, name, "approval", { ...request, status }, { signal });
  }
}

interface Recognized {
  /** What the one who asks must be allowed to create. */
  readonly subresource: "selfnodeclient" | "nodeclient";
  readonly message: string;
}

function recognized({ spec }: CertificateSigningRequest, requested: Requested): Recognized[] {
  if (refusal(spec.signerName, requested, spec.usages) !== undefined) return [];
  const self: Recognized = {
    subresource: "selfnodeclient",
    message: "Auto approving self kubelet client certificate after SubjectAccessReview.",
  };
  const first: Recognized = {
    subresource: "nodeclient",
    message: "Auto approving kubelet client certificate after SubjectAccessReview.",
  };
  return spec.username === requested.commonName ? [self, first] : [first];
}

function isUndecided({ spec, status }: CertificateSigningRequest): boolean {
  return spec.signerName === signers.kubeletClient && (status?.conditions ?? []).length === 0 && !status?.certificate;
}
