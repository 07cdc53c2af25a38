import type { Backend } from "../backends.ts";

interface Sticky {
  readonly backend: string;
  lastMs: number;
}

/** Most clients remembered for session affinity; the longest unused is forgotten. */
const maxSticky = 10_000;

/** Picks a backend per connection: in turn, or the one the client had before when the Service has session affinity. */
export class Chooser {
  #backends: readonly Backend[] = [];
  #affinityMs: number | undefined;
  #next = 0;
  readonly #sticky = new Map<string, Sticky>();

  update(backends: readonly Backend[], affinitySeconds: number | undefined): void {
    this.#backends = backends;
    this.#affinityMs = affinitySeconds === undefined ? undefined : affinitySeconds * 1000;
    if (this.#affinityMs === undefined) this.#sticky.clear();
  }

  choose(client: string, nowMs: number): Backend | undefined {
    const known = this.#stickyFor(client, nowMs);
    if (known !== undefined) return known;
    if (this.#backends.length === 0) return undefined;
    const chosen = this.#backends[this.#next++ % this.#backends.length] as Backend;
    this.remember(client, chosen, nowMs);
    return chosen;
  }

  /** All backends, the chosen one first: where to go when it does not answer. */
  order(client: string, nowMs: number): Backend[] {
    const first = this.choose(client, nowMs);
    if (first === undefined) return [];
    const at = this.#backends.indexOf(first);
    return [...this.#backends.slice(at), ...this.#backends.slice(0, at)];
  }

  remember(client: string, backend: Backend, nowMs: number): void {
    if (this.#affinityMs === undefined) return;
    this.#sticky.delete(client);
    this.#sticky.set(client, { backend: `${backend.address}:${backend.port}`, lastMs: nowMs });
    const [oldest] = this.#sticky.keys();
    if (this.#sticky.size > maxSticky && oldest !== undefined) this.#sticky.delete(oldest);
  }

  #stickyFor(client: string, nowMs: number): Backend | undefined {
    const sticky = this.#affinityMs === undefined ? undefined : this.#sticky.get(client);
    if (sticky === undefined || nowMs - sticky.lastMs > (this.#affinityMs as number)) return undefined;
    const backend = this.#backends.find(({ address, port }) => `${address}:${port}` === sticky.backend);
    if (backend !== undefined) sticky.lastMs = nowMs;
    return backend;
  }
}
