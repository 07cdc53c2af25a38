import { Gate } from "./gate.ts";
import { Link, type LinkCounts, type Weather } from "./link.ts";
import type { Cut } from "./shapes.ts";
import { socketOwner } from "./socket-owner.ts";

/** The node that all clients of a run are. */
export const clientsNode = "clients";

/** A network of nodes whose every direction can be broken alone: who wants to reach a node dials its gate. */
export class Network {
  readonly #links = new Map<string, Link>();
  readonly #gates: Gate[] = [];
  readonly #pids = new Map<string, () => number | undefined>();
  readonly #random: () => number;

  constructor(random: () => number) {
    this.#random = random;
  }

  /** A node is known by its process: whatever that dials comes from the node. */
  addNode(name: string, pid: () => number | undefined): void {
    this.#pids.set(name, pid);
  }

  /** A port that leads other nodes to a port of this one. */
  async openGate(node: string, target: () => number): Promise<number> {
    const gate = await Gate.open({
      target,
      dialer: (from, to) => this.#dialer(from, to),
      links: (dialer) => [this.link(dialer, node), this.link(node, dialer)],
      random: this.#random,
    });
    this.#gates.push(gate);
    return gate.port;
  }

  link(from: string, to: string): Link {
    const name = `${from}>${to}`;
    const known = this.#links.get(name);
    if (known !== undefined) return known;
    const link = new Link(this.#random);
    this.#links.set(name, link);
    return link;
  }

  cut(cuts: readonly Cut[], how: "stall" | "reset" = "stall"): void {
    for (const [from, to] of cuts) {
      const link = this.link(from, to);
      link.weather = { ...link.weather, cut: how };
    }
  }

  weather(pairs: readonly Cut[], weather: Weather): void {
    for (const [from, to] of pairs) this.link(from, to).weather = weather;
  }

  /** All links are as they were at first. */
  heal(): void {
    for (const link of this.#links.values()) if (Object.keys(link.weather).length > 0) link.weather = {};
  }

  /** Of all links together, since the beginning. */
  get counts(): LinkCounts {
    const sum = { held: 0, broken: 0, late: 0 };
    for (const { held, broken, late } of this.#links.values()) {
      sum.held += held;
      sum.broken += broken;
      sum.late += late;
    }
    return sum;
  }

  async close(): Promise<void> {
    await Promise.all(this.#gates.map((gate) => gate.close()));
  }

  async #dialer(remotePort: number, gatePort: number): Promise<string | undefined> {
    const byPid = new Map<number, string>([[process.pid, clientsNode]]);
    for (const [name, pidOf] of this.#pids) {
      const pid = pidOf();
      if (pid !== undefined) byPid.set(pid, name);
    }
    const owner = await socketOwner(remotePort, gatePort, [...byPid.keys()]);
    return owner === undefined ? undefined : byPid.get(owner);
  }
}
