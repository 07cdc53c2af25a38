import { type Container, type Node, type Pod, Quantity } from "../../api/mod.ts";
import { podsOn, type World } from "./world.testing.ts";

/** CPU counts in thousandths, everything else in whole units. */
type Amounts = Readonly<Record<string, number>>;

const cpuForNothing = 100;
const memoryForNothing = 200 * 1024 * 1024;

/** "Nothing" asked for: counted as so much where only a guess of the real use is needed. */
const guesses: Amounts = { cpu: cpuForNothing, memory: memoryForNothing };

export function amount(resource: string, quantity: string | undefined): number {
  const parsed = Quantity.of(quantity);
  return resource === "cpu" ? parsed.milliValue() : parsed.value();
}

/** Extended resources and huge pages: whatever is not one of the machine's own few. */
export function isScalar(resource: string): boolean {
  return !["cpu", "memory", "ephemeral-storage", "pods", "storage"].includes(resource);
}

const plus = (a: Amounts, b: Amounts): Amounts => combine(a, b, (x, y) => x + y);
const atLeast = (a: Amounts, b: Amounts): Amounts => combine(a, b, Math.max);

function combine(a: Amounts, b: Amounts, how: (x: number, y: number) => number): Amounts {
  const names = [...new Set([...Object.keys(a), ...Object.keys(b)])];
  return Object.fromEntries(names.map((name) => [name, how(a[name] ?? 0, b[name] ?? 0)]));
}

function amountsIn(list: Readonly<Record<string, string>> | undefined): Amounts {
  return Object.fromEntries(Object.entries(list ?? {}).map(([name, quantity]) => [name, amount(name, quantity)]));
}

/**
 * max(sum(containers) + sidecars, each init container + sidecars started before it) + overhead; what the pod as a whole asks for
 * overrides its containers. `defaults` stand for what a container does not mention at all.
 */
function total(pod: Pod, defaults: Amounts): Amounts {
  const ofContainer = (container: Container) => ({ ...defaults, ...amountsIn(container.resources?.requests) });
  let running: Amounts = {};
  for (const container of pod.spec?.containers ?? []) running = plus(running, ofContainer(container));
  let sidecars: Amounts = {};
  let starting: Amounts = {};
  for (const container of pod.spec?.initContainers ?? []) {
    if (container.restartPolicy === "Always") {
      running = plus(running, ofContainer(container));
      sidecars = plus(sidecars, ofContainer(container));
      starting = atLeast(starting, sidecars);
    } else {
      starting = atLeast(starting, plus(sidecars, ofContainer(container)));
    }
  }
  const ofContainers = atLeast(running, starting);
  const ofPod = amountsIn(pod.spec?.resources?.requests);
  return plus({ ...ofContainers, ...ofPod }, amountsIn(pod.spec?.overhead));
}

export const requestsOf = (pod: Pod): Amounts => total(pod, {});
/** CPU and memory for scoring: 100m and 200 MiB for every container that says nothing. */
export const guessedRequestsOf = (pod: Pod): Amounts => total(pod, guesses);

export const requestedOn = (world: World, node: Node, resource: string): number =>
  podsOn(world, node).reduce((so, pod) => so + (requestsOf(pod)[resource] ?? 0), 0);

export const guessedRequestedOn = (world: World, node: Node, resource: string): number =>
  podsOn(world, node).reduce((so, pod) => so + (guessedRequestsOf(pod)[resource] ?? 0), 0);

export const allocatable = (node: Node, resource: string): number =>
  amount(resource, node.status?.allocatable?.[resource]);
