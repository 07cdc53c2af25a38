import { setTimeout as delay } from "node:timers/promises";
import { seededRandom } from "../../../base/mod.ts";
import type { EtcdClient } from "../../../kvstore/client/mod.ts";
import { eventually } from "../../support/eventually.ts";
import { type Authority, Certificates } from "./certificates.ts";
import { History } from "./history.ts";
import { LeadershipWatch } from "./leadership.ts";
import { type FailedRequest, Load } from "./load.ts";
import { Members, type Placed } from "./members.ts";
import { clientOf, compare } from "./verdict.ts";

export interface RollingOptions {
  readonly seed: number;
  /** Members at first, when they are restarted and get new certificates and at the end, and in between. Default 1, 3, 5. */
  readonly sizes?: readonly [smallest: number, middle: number, largest: number];
  /** How long the load goes on after each step. */
  readonly calmMs?: number;
  readonly args?: readonly string[];
  /** Ends it before the next step. */
  readonly signal?: AbortSignal;
  say(line: string): void;
}

export interface RollingReport {
  readonly acknowledged: number;
  readonly leaderChanges: number;
  /** Requests that failed, and how many of them were under way during a change of the leader. */
  readonly failed: number;
  readonly failedInLeaderChanges: number;
  readonly failures: Readonly<Record<string, number>>;
  readonly violations: readonly string[];
}

const defaultSizes = [1, 3, 5] as const;
const timing = ["--heartbeat-interval", "100", "--election-timeout", "1000", "--snapshot-count", "500"];

/**
 * What operators do to a cluster that must not be noticed: growth from one member to three, a rolling restart, a change of all certificates and of their
 * authority without a restart, growth to five and back to three. The members that come last know the new authority only.
 */
export async function rolling(options: RollingOptions): Promise<RollingReport> {
  const [smallest, , largest] = options.sizes ?? defaultSizes;
  const certificates = await Certificates.make(["client", ...Array.from({ length: largest }, (_, at) => `m${at}`)]);
  const members = await Members.prepare({
    ...{ name: "rolling", size: smallest, most: largest, args: [...timing, ...(options.args ?? [])] },
    tlsArgs: (at) => certificates.flags(at),
  });
  let cluster: RollingCluster | undefined;
  try {
    await members.start();
    cluster = new RollingCluster(members, certificates, options);
    return await cluster.run();
  } finally {
    await cluster?.end();
    await members.remove();
    certificates.remove();
  }
}

class RollingCluster {
  readonly #members: Members;
  readonly #certificates: Certificates;
  readonly #options: RollingOptions;
  readonly #history = new History(1);
  readonly #failures: FailedRequest[] = [];
  readonly #load: Load;
  readonly #leadership: LeadershipWatch;
  readonly #violations: string[] = [];
  #clients: EtcdClient[] = [];

  constructor(members: Members, certificates: Certificates, options: RollingOptions) {
    this.#members = members;
    this.#certificates = certificates;
    this.#options = options;
    this.#clients = this.#connect();
    this.#leadership = new LeadershipWatch(this.#clients);
    this.#load = new Load({
      ...{ history: this.#history, endpoints: members.endpoints, tls: certificates.client(), seed: options.seed },
      timeoutMs: 5000,
      onFailure: (failure) => this.#failures.push(failure),
    });
  }

  async end(): Promise<void> {
    await this.#load.stop();
    await this.#leadership.stop();
    await Promise.all(this.#clients.map((client) => client.close()));
  }

  async run(): Promise<RollingReport> {
    const [smallest, middle, largest] = this.#options.sizes ?? defaultSizes;
    for (let size = smallest + 1; size <= middle; size++) await this.#step(`growth to ${size}`, () => this.#grow());
    // The last ones follow, the first one leads: it has done so from the start.
    for (const placed of this.#members.all.toReversed())
      await this.#step(`restart of ${placed.member.name}`, () => this.#restart(placed));
    await this.#step("both authorities trusted", () => this.#eachTrusts(["old", "new"]));
    await this.#step("certificates of the new authority", () => this.#eachGets("new", largest));
    await this.#step("the old authority forgotten", () => this.#eachTrusts(["new"]));
    await this.#step("clients of the old authority refused", () => this.#oldRefused());
    for (let size = middle + 1; size <= largest; size++) await this.#step(`growth to ${size}`, () => this.#grow());
    for (let size = largest - 1; size >= middle; size--) await this.#step(`back to ${size}`, () => this.#shrink());
    await this.#load.pause();
    await this.#leadership.stop();
    const random = seededRandom(this.#options.seed);
    this.#violations.push(
      ...(await compare(this.#history, this.#members.endpoints, this.#certificates.client(), random)),
    );
    const inexcusable = this.#failures.filter((failure) => !this.#leadership.excuses(failure));
    for (const { message, sentAt, failedAt } of inexcusable)
      this.#violations.push(
        `a request failed after ${Math.round(failedAt - sentAt)} ms without a change of the leader: ${message}`,
      );
    return {
      acknowledged: this.#history.acknowledged,
      leaderChanges: this.#leadership.changes.length,
      failed: this.#failures.length,
      failedInLeaderChanges: this.#failures.length - inexcusable.length,
      failures: counted(this.#failures.map(({ message }) => message)),
      violations: this.#violations,
    };
  }

  async #step(what: string, act: () => Promise<void>): Promise<void> {
    if (this.#options.signal?.aborted) return;
    const [failed, changes, acknowledged] = [
      this.#failures.length,
      this.#leadership.changes.length,
      this.#history.acknowledged,
    ];
    await act();
    await delay(this.#options.calmMs ?? 1000);
    const [more, lost] = [this.#leadership.changes.length - changes, this.#failures.length - failed];
    this.#options.say(
      `${what}: ${this.#history.acknowledged - acknowledged} requests done, ${lost} failed, ${more} changes of the leader`,
    );
  }

  #connect(): EtcdClient[] {
    return this.#members.endpoints.map((endpoint) => clientOf(endpoint, this.#certificates.client()));
  }

  /** Load and questions go to these members, and with the certificate that clients have now. */
  async #moveTo(endpoints: readonly string[]): Promise<void> {
    const old = this.#clients;
    this.#clients = endpoints.map((endpoint) => clientOf(endpoint, this.#certificates.client()));
    this.#leadership.ask(this.#clients);
    await this.#load.use(endpoints, this.#certificates.client());
    await Promise.all(old.map((client) => client.close()));
  }

  /** A learner first, until it has caught up. */
  async #grow(): Promise<void> {
    const { cluster } = this.#clients[0] as EtcdClient;
    const placed = this.#members.join();
    const { member } = await eventually(`${placed.member.name} is added`, () =>
      cluster.memberAdd([placed.peerUrl], true),
    );
    await placed.start();
    await eventually(`${placed.member.name} is promoted`, async () => {
      await cluster.memberPromote(member?.id ?? 0n);
      return true;
    });
    await this.#moveTo(this.#members.endpoints);
  }

  /** Whichever is first: it may lead. Its clients leave before it goes. */
  async #shrink(): Promise<void> {
    const [gone] = this.#members.all.splice(0, 1) as [Placed];
    await this.#moveTo(this.#members.endpoints);
    const { cluster } = this.#clients[0] as EtcdClient;
    const { members } = await cluster.memberList();
    const id = members.find(({ name }) => name === gone.member.name)?.id ?? 0n;
    await cluster.memberRemove(id);
    await eventually("the removed member says so", () => gone.member.output.includes("removed from the cluster"));
    await gone.member.end();
  }

  async #restart({ member, start }: Placed): Promise<void> {
    await member.end("SIGTERM");
    await start();
  }

  async #eachTrusts(which: readonly Authority[]): Promise<void> {
    for (const name of ["client", ...this.#members.all.map(({ member }) => member.name)])
      this.#certificates.trust(name, which);
    await this.#moveTo(this.#members.endpoints);
  }

  async #eachGets(by: Authority, largest: number): Promise<void> {
    for (const { member } of this.#members.all) await this.#certificates.issue(member.name, by);
    await this.#certificates.issue("client", by);
    // Those that are yet to come know nothing else.
    for (let at = this.#members.all.length; at < largest; at++) {
      await this.#certificates.issue(`m${at}`, by);
      this.#certificates.trust(`m${at}`, [by]);
    }
    await this.#moveTo(this.#members.endpoints);
  }

  async #oldRefused(): Promise<void> {
    await this.#certificates.issue("stranger", "old");
    this.#certificates.trust("stranger", ["new"]);
    const tls = this.#certificates.client("stranger");
    for (const endpoint of this.#members.endpoints) {
      const stranger = clientOf(endpoint, tls);
      const admitted = await stranger.maintenance.status({ timeoutMs: 2000 }).then(
        () => true,
        () => false,
      );
      if (admitted) this.#violations.push(`${endpoint} lets in a client of the authority that is trusted no more`);
      await stranger.close();
    }
  }
}

function counted(words: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const word of words) counts[word] = (counts[word] ?? 0) + 1;
  return counts;
}
