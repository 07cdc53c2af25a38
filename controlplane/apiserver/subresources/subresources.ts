import type { Random } from "../../../base/mod.ts";
import type { SubresourceHandlers } from "../handlers/resources.ts";
import type { Admission } from "../registry/admission.ts";
import type { Deleter } from "../registry/deleter.ts";
import type { Registry } from "../registry/served.ts";
import type { Writer } from "../registry/writer.ts";
import type { KubeletOptions } from "./ask-kubelet.ts";
import { bind } from "./binding.ts";
import { certificateApprovalHandlers } from "./certificate-approval.ts";
import { connectHandlers } from "./connect/mod.ts";
import { evict } from "./eviction.ts";
import { finalize } from "./finalize.ts";
import { podLog } from "./log.ts";
import { partHandlers } from "./part.ts";
import { scaleHandlers } from "./scale.ts";
import { createToken, type TokenIssuer } from "./token.ts";

export interface SubresourcesOptions {
  readonly registry: Registry;
  readonly writer: Writer;
  readonly deleter: Deleter;
  readonly admission: Admission;
  readonly kubelet: KubeletOptions | undefined;
  readonly tokens: Omit<TokenIssuer, "admission">;
  readonly now: () => number;
  readonly random: Random;
}

/** By `plural/name`; a star stands for every kind that declares the subresource. */
export function subresourceHandlers(options: SubresourcesOptions): Readonly<Record<string, SubresourceHandlers>> {
  const { registry, writer, deleter, admission, kubelet, tokens, now, random } = options;
  const nodes = registry.need("", "v1", "nodes");
  const budgets = registry.find("policy", "v1", "poddisruptionbudgets");
  const evictions = { budgets, writer, deleter, admission, now };
  return {
    "*/status": partHandlers(writer),
    "*/scale": scaleHandlers(writer),
    "certificatesigningrequests/approval": certificateApprovalHandlers(writer, now),
    "namespaces/finalize": { update: (served, call) => finalize(served, call, writer) },
    "pods/ephemeralcontainers": partHandlers(writer),
    "pods/resize": partHandlers(writer),
    "pods/binding": { create: (served, call) => bind(served, call, writer, now) },
    "pods/eviction": { create: (served, call) => evict(served, call, evictions) },
    ...connectHandlers({ registry, kubelet, random }),
    "pods/log": { get: (served, call) => podLog(served, nodes, call, kubelet) },
    "serviceaccounts/token": { create: (served, call) => createToken(served, call, { ...tokens, admission }) },
  };
}
