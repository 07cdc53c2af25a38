import { equalJson } from "../../schema/equal.ts";
import type { EphemeralContainer } from "../../types/core/container.ts";
import type { Pod } from "../../types/core/pod.ts";
import type { FieldErrors } from "../field-errors.ts";
import { type Surroundings, validateContainer } from "./containers.ts";

/** Everything else would make the pod depend on a container that is there to look at it. */
const allowed: ReadonlySet<string> = new Set([
  "name",
  "image",
  "command",
  "args",
  "workingDir",
  "envFrom",
  "env",
  "volumeMounts",
  "volumeDevices",
  "terminationMessagePath",
  "terminationMessagePolicy",
  "imagePullPolicy",
  "securityContext",
  "stdin",
  "stdinOnce",
  "tty",
  "targetContainerName",
]);

export function validateEphemeralContainers(around: Surroundings, field: string, errors: FieldErrors): void {
  const { containers = [], initContainers = [], ephemeralContainers = [] } = around.spec;
  const others = [...containers, ...initContainers].map(({ name }) => name);
  const names = new Set(others);
  for (const [index, container] of ephemeralContainers.entries()) {
    const at = `${field}.ephemeralContainers[${index}]`;
    validateContainer(container, around, at, errors);
    if (names.has(container.name)) errors.duplicate(`${at}.name`, container.name);
    names.add(container.name);
    const { targetContainerName: target } = container;
    if (target && !others.includes(target)) errors.notFound(`${at}.targetContainerName`, target);
    for (const name of given(container)) {
      if (!allowed.has(name)) errors.forbidden(`${at}.${name}`, "cannot be set for an Ephemeral Container");
    }
    for (const [i, mount] of (container.volumeMounts ?? []).entries()) {
      for (const key of ["subPath", "subPathExpr"] as const) {
        if (mount[key]) {
          errors.forbidden(`${at}.volumeMounts[${i}].${key}`, "cannot be set for an Ephemeral Container");
        }
      }
    }
  }
}

function given(container: EphemeralContainer): string[] {
  const isSet = (value: unknown) => value !== undefined && !equalJson(value, {}) && !equalJson(value, []);
  return Object.entries(container).flatMap(([name, value]) => (isSet(value) ? [name] : []));
}

/** An update through pods/ephemeralcontainers: they are added, and stay as they are. */
export function validateEphemeralContainersUpdate(next: Pod, old: Pod, errors: FieldErrors): void {
  if (old.metadata.annotations?.["kubernetes.io/config.mirror"] !== undefined) {
    errors.forbidden("", "static pods do not support ephemeral containers");
    return;
  }
  const field = "spec.ephemeralContainers";
  for (const before of old.spec.ephemeralContainers ?? []) {
    const now = next.spec.ephemeralContainers?.find(({ name }) => name === before.name);
    const which = `existing ephemeral containers ${JSON.stringify(before.name)}`;
    if (now === undefined) errors.forbidden(field, `${which} may not be removed\n`);
    else if (!equalJson(now, before)) errors.forbidden(field, `${which} may not be changed\n`);
  }
}
