import type { Taint, Toleration } from "../types/mod.ts";

/** Whether one of the tolerations covers the taint (an empty key with Exists covers all; an empty effect covers every effect). */
export function tolerates(tolerations: readonly Toleration[], taint: Pick<Taint, "key" | "value" | "effect">): boolean {
  return tolerations.some((toleration) => {
    if (toleration.effect && toleration.effect !== taint.effect) return false;
    if (toleration.key && toleration.key !== taint.key) return false;
    switch (toleration.operator || "Equal") {
      case "Exists":
        return true;
      case "Equal":
        return Boolean(toleration.key) && (toleration.value ?? "") === (taint.value ?? "");
      default:
        return false;
    }
  });
}
