import type { Ingress, IngressClass } from "../../controlplane/api/mod.ts";

export const defaultClassAnnotation = "ingressclass.kubernetes.io/is-default-class";
/** How Ingresses named their class before the field existed. */
const legacyAnnotation = "kubernetes.io/ingress.class";

export function isDefaultClass(ingressClass: IngressClass): boolean {
  return ingressClass.metadata.annotations?.[defaultClassAnnotation] === "true";
}

/** The newest of those marked, by name where they are of one second: what the API server's admission takes. */
function defaultClass(classes: readonly IngressClass[]): IngressClass | undefined {
  const newestFirst = classes.filter(isDefaultClass).sort((a, b) => {
    const [left, right] = [a.metadata.creationTimestamp ?? "", b.metadata.creationTimestamp ?? ""];
    if (left !== right) return left > right ? -1 : 1;
    return (a.metadata.name ?? "") < (b.metadata.name ?? "") ? -1 : 1;
  });
  return newestFirst[0];
}

/** Whether an Ingress is this controller's: by the class it names, in the field or else the annotation, or by default when it names none. */
export function claims(controllerName: string, classes: readonly IngressClass[]): (ingress: Ingress) => boolean {
  const ours = new Set<string | undefined>();
  for (const { metadata, spec } of classes) if (spec?.controller === controllerName) ours.add(metadata.name);
  const unnamedAreOurs = defaultClass(classes)?.spec?.controller === controllerName;
  return ({ metadata, spec }) => {
    const name = spec?.ingressClassName || metadata.annotations?.[legacyAnnotation];
    return name ? ours.has(name) : unnamedAreOurs;
  };
}
