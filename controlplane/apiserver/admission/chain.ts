import type { Admission, AdmissionRequest } from "../registry/admission.ts";
import type { Claim } from "../registry/hooks.ts";
import type { AdmissionPlugin } from "./plugin.ts";

/** Plugins in order: first each may amend the object, later each may refuse what came of it, at last it is paid for. */
export class AdmissionChain implements Admission {
  readonly #plugins: readonly AdmissionPlugin[];

  constructor(plugins: readonly AdmissionPlugin[]) {
    this.#plugins = plugins;
  }

  async admit(request: AdmissionRequest): Promise<void> {
    for (const plugin of this.#plugins) await plugin.admit?.(request);
  }

  async validate(request: AdmissionRequest): Promise<Claim | undefined> {
    for (const plugin of this.#plugins) await plugin.validate?.(request);
    const claims: Claim[] = [];
    const undo = async () => {
      for (const claim of claims.reverse()) await claim.undo();
    };
    try {
      for (const plugin of this.#plugins) {
        const claim = await plugin.charge?.(request);
        if (claim !== undefined) claims.push(claim);
      }
    } catch (error) {
      await undo();
      throw error;
    }
    if (claims.length === 0) return undefined;
    return {
      undo,
      settle: async () => {
        for (const claim of claims) await claim.settle();
      },
    };
  }
}
