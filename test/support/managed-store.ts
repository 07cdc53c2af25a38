import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { etcdctl } from "../store-cluster.ts";
import { TestAuthority } from "./certificates.ts";
import { eventually } from "./eventually.ts";
import { Forwarder } from "./forwarder.ts";
import { ManagedProcess } from "./process-manager.ts";

const program = resolve(import.meta.dirname, "../../bin/etcd");

export interface ManagedMember {
  readonly name: string;
  readonly clientUrl: string;
  /** As other members know it: the forwarder's. */
  readonly peerUrl: string;
  readonly dataDir: string;
  readonly gofail: string;
  readonly process: ManagedProcess;
  readonly forwarder: Forwarder;
  readonly args: readonly string[];
}

/**
 * Three members as a process manager runs them that knows only etcd's flags: each on a terminal, in a bare environment, with TLS
 * between members, who reach each other through forwarders.
 */
export class ManagedStore {
  readonly members: readonly ManagedMember[];
  readonly #directory: string;

  private constructor(directory: string, members: readonly ManagedMember[]) {
    this.#directory = directory;
    this.members = members;
  }

  /** Takes 4 ports a member, from `firstPort` on. */
  static async make(
    firstPort: number,
    { command = [program], args = [] as readonly string[], size = 3 } = {},
  ): Promise<ManagedStore> {
    const directory = mkdtempSync(join(tmpdir(), "flotilla-test-managed-"));
    const authority = await TestAuthority.make(directory, "ca");
    const peer = await authority.issue("peer", { commonName: "peer", names: ["127.0.0.1", "localhost"] });
    const places = Array.from({ length: size }, (_, at) => ({ name: `m${at}`, port: firstPort + 4 * at }));
    const peerUrl = (port: number) => `https://localhost:${port + 1}`;
    const initial = places.map(({ name, port }) => `${name}=${peerUrl(port)}`).join(",");
    const members: ManagedMember[] = [];
    for (const { name, port } of places) {
      const clientUrl = `http://127.0.0.1:${port}`;
      const dataDir = join(directory, name);
      const gofail = `127.0.0.1:${port + 3}`;
      const own = [
        ...["--name", name, "--listen-client-urls", clientUrl, "--advertise-client-urls", clientUrl],
        ...["--listen-peer-urls", `https://127.0.0.1:${port + 2}`, "--initial-advertise-peer-urls", peerUrl(port)],
        ...["--initial-cluster-token", "new", "--data-dir", dataDir, "--snapshot-count=50"],
        ...["--initial-cluster", initial, "--peer-client-cert-auth", "--peer-trusted-ca-file", authority.file],
        ...["--peer-cert-file", peer.cert, "--peer-key-file", peer.key, "--snapshot-catchup-entries=10", ...args],
      ];
      members.push({
        ...{ name, clientUrl, dataDir, gofail, args: own, peerUrl: peerUrl(port) },
        process: new ManagedProcess([...command, ...own], { GOFAIL_HTTP: gofail, ETCD_VERIFY: "all" }),
        forwarder: await Forwarder.open(port + 1, port + 2),
      });
    }
    return new ManagedStore(directory, members);
  }

  async start(): Promise<void> {
    await Promise.all(this.members.map((member) => this.startMember(member)));
  }

  startMember({ process }: ManagedMember, state: "new" | "existing" = "new"): Promise<void> {
    return process.start("ready to serve client requests", `--initial-cluster-state=${state}`);
  }

  get endpoints(): string {
    return this.members.map(({ clientUrl }) => clientUrl).join(",");
  }

  /** Removes the member, all that it had, and has a new one take its place under the same URL and name. */
  async replace(member: ManagedMember): Promise<void> {
    const others = this.members
      .filter((one) => one !== member)
      .map(({ clientUrl }) => clientUrl)
      .join(",");
    const id = await this.idOf(member, others);
    await untilListed(others, ["member", "remove", id], (list) => !list.includes(id));
    await member.process.end("SIGKILL");
    rmSync(member.dataDir, { recursive: true });
    const again = ["member", "add", member.name, "--peer-urls", member.peerUrl];
    await untilListed(others, again, (list) => list.includes(member.peerUrl));
    await this.startMember(member, "existing");
    await eventually("the member is known by its name", async () => (await this.idOf(member, others)) !== id);
  }

  /** Has this member lead. */
  async lead(member: ManagedMember): Promise<void> {
    const id = await this.idOf(member, member.clientUrl);
    await eventually(`${member.name} leads`, async () => {
      const { stdout } = await etcdctl(member.clientUrl, ["endpoint", "status", "-w", "json"]);
      const [{ Status }] = JSON.parse(stdout) as [{ Status: { leader?: number; header: { member_id: number } } }];
      if (Status.leader === Status.header.member_id) return true;
      await Promise.all(this.members.map(({ clientUrl }) => etcdctl(clientUrl, ["move-leader", id])));
      return false;
    });
  }

  /** In hexadecimal, by its name. */
  async idOf({ name }: ManagedMember, endpoints: string): Promise<string> {
    return eventually(`${name} is a member`, async () => {
      const { stdout } = await etcdctl(endpoints, ["member", "list"]);
      return stdout
        .split("\n")
        .map((line) => line.split(", "))
        .find(([, , who]) => who === name)?.[0];
    });
  }

  /** PUTs the terms at the failpoint, or with none takes back what is set. */
  async failpoint({ gofail }: ManagedMember, name: string, terms?: string): Promise<number> {
    const request = terms === undefined ? { method: "DELETE" } : { method: "PUT", body: terms };
    return (await fetch(`http://${gofail}/${name}`, request)).status;
  }

  async remove(): Promise<void> {
    await Promise.all(this.members.map(({ process }) => process.end()));
    await Promise.all(this.members.map(({ forwarder }) => forwarder.close()));
    rmSync(this.#directory, { recursive: true, force: true });
  }
}

/**
 * With a second for each try, as often as it takes. A try without an answer may have been carried out, and what repeats it is refused for this reason or another: the
 * list of members tells.
 */
async function untilListed(
  endpoints: string,
  args: readonly string[],
  isDone: (list: string) => boolean,
): Promise<void> {
  const run = (...command: readonly string[]) =>
    etcdctl(endpoints, ["--command-timeout=1s", "--dial-timeout=1s", ...command]);
  await eventually(args.join(" "), async () => {
    const { code, stderr } = await run(...args);
    if (code === 0) return true;
    const list = await run("member", "list");
    if (list.code === 0 && isDone(list.stdout)) return true;
    throw new Error(stderr);
  });
}
