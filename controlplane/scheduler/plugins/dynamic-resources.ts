import type { Plugin } from "../framework/plugin.ts";

/** Devices of dynamic resource allocation are not handed out here; a pod that claims one is told so instead of being placed without. */
export const dynamicResources: Plugin = {
  name: "DynamicResources",
  preFilter({ pod }) {
    const claims = pod.spec?.resourceClaims ?? [];
    if (claims.length === 0) return "skip";
    const names = claims.map(({ name }) => name).join(", ");
    return {
      reasons: [`dynamic resource allocation is not supported (resource claims: ${names})`],
      unresolvable: true,
    };
  },
};
