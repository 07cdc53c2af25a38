import { assert } from "../../base/mod.ts";

/** The first packet of a connection, or of a flow of datagrams. */
export interface Packet {
  readonly saddr: string;
  readonly daddr: string;
  readonly protocol: "tcp" | "udp" | "sctp" | "icmp";
  readonly dport: number;
  /** One of a connection that both sides have sent in before. */
  readonly established?: boolean;
}

/** What becomes of it. */
export type Fate =
  | { readonly kind: "dropped" | "rejected" }
  | {
      readonly kind: "delivered";
      readonly address: string;
      readonly port: number;
      /** The receiver sees an address of the node instead of the sender's. */
      readonly masqueraded: boolean;
    };

/** Takes a number below `count`. */
export type Choose = (count: number) => number;

interface Chain {
  readonly rules: string[][];
  hook: { readonly type: string; readonly at: string; readonly priority: number } | undefined;
}

interface Holder {
  readonly elements: Map<string, string>;
  readonly timeoutMs: number | undefined;
  /** When elements of a dynamic set go. */
  readonly expiry: Map<string, number>;
}

interface Table {
  readonly chains: Map<string, Chain>;
  readonly holders: Map<string, Holder>;
}

/** A packet under way. */
interface Journey {
  saddr: string;
  daddr: string;
  readonly protocol: string;
  dport: number;
  mark: number;
  readonly established: boolean;
  masqueraded: boolean;
}

type Verdict = "accept" | "drop" | "reject";

function tokens(text: string): string[] {
  return text
    .replace(/([{},;])/g, " $1 ")
    .split(/\s+/)
    .filter((word) => word !== "");
}

export function inBlock(address: string, cidr: string): boolean {
  const [network = "", bits = "32"] = cidr.split("/");
  const number = (text: string) => text.split(".").reduce((sum, octet) => sum * 256 + Number(octet), 0);
  const size = 2 ** (32 - Number(bits));
  return Math.floor(number(address) / size) === Math.floor(number(network) / size);
}

/**
 * The kernel's tables, as far as the rooms of the dataplane use them: takes the same scripts as `nft -f` and says what becomes of a
 * packet. What it does not know is an error, not a guess. A script that leaves a rule or an element without its target is refused, as
 * the kernel does.
 */
export class NftMachine {
  readonly #tables = new Map<string, Table>();
  readonly #localAddresses: ReadonlySet<string>;
  nowMs = 0;

  constructor(localAddresses: readonly string[]) {
    this.#localAddresses = new Set(localAddresses);
  }

  load(script: string): void {
    const lines = script.split("\n");
    for (let at = 0; at < lines.length; at++) {
      const words = tokens(lines[at] as string);
      if (words.length === 0) continue;
      if (words[0] === "table") at = this.#loadBlock(this.#table(`${words[1]} ${words[2]}`, true), lines, at + 1);
      else this.#command(words);
    }
    for (const table of this.#tables.values()) this.#checkReferences(table);
  }

  /** Every fate that a packet from here (a local address) or through here may meet; dynamic sets stay as they are. */
  fates(packet: Packet): Fate[] {
    const found: Fate[] = [];
    const pending: number[][] = [[]];
    for (let path = pending.pop(); path !== undefined; path = pending.pop()) {
      const taken: number[] = [];
      const given = path;
      const choose: Choose = (count) => {
        const next = given[taken.length];
        if (next === undefined) for (let other = 1; other < count; other++) pending.push([...taken, other]);
        taken.push(next ?? 0);
        return next ?? 0;
      };
      found.push(this.#travel(packet, choose, false));
    }
    return found;
  }

  /** What becomes of one packet; dynamic sets take note of it. */
  send(packet: Packet, choose: Choose): Fate {
    return this.#travel(packet, choose, true);
  }

  #travel(packet: Packet, choose: Choose, remember: boolean): Fate {
    const { saddr, daddr, protocol, dport, established = false } = packet;
    const journey: Journey = { saddr, daddr, protocol, dport, mark: 0, established, masqueraded: false };
    const isLocal = (address: string) => this.#localAddresses.has(address);
    const ways = [
      () => (isLocal(saddr) ? "output" : "prerouting"),
      // Where it goes on is decided by the destination that the first hook left. What goes out to itself comes in again.
      () => (isLocal(journey.daddr) ? "input" : isLocal(saddr) ? undefined : "forward"),
      () => (isLocal(journey.daddr) ? undefined : "postrouting"),
    ];
    for (const way of ways) {
      const hook = way();
      const verdict = hook === undefined ? "accept" : this.#atHook(hook, journey, choose, remember);
      if (verdict === "drop") return { kind: "dropped" };
      if (verdict === "reject") return { kind: "rejected" };
    }
    return { kind: "delivered", address: journey.daddr, port: journey.dport, masqueraded: journey.masqueraded };
  }

  #atHook(hook: string, journey: Journey, choose: Choose, remember: boolean): Verdict {
    const bases = [...this.#tables.values()].flatMap((table) =>
      [...table.chains].filter(([, chain]) => chain.hook?.at === hook).map(([name, chain]) => ({ table, name, chain })),
    );
    bases.sort((a, b) => (a.chain.hook?.priority ?? 0) - (b.chain.hook?.priority ?? 0));
    for (const { table, name, chain } of bases) {
      // Connections that are known keep the addresses they have: chains of type nat see the first packet only.
      if (chain.hook?.type === "nat" && journey.established) continue;
      const verdict = new Evaluation(table, journey, this.#localAddresses, choose, this.nowMs, remember).chain(name);
      if (verdict === "drop" || verdict === "reject") return verdict;
    }
    return "accept";
  }

  #table(name: string, create = false): Table {
    if (create && !this.#tables.has(name)) this.#tables.set(name, { chains: new Map(), holders: new Map() });
    const table = this.#tables.get(name);
    assert(table !== undefined, `table ${name} is there`);
    return table;
  }

  /** The lines of a `table` block; returns the index of its last. */
  #loadBlock(table: Table, lines: readonly string[], first: number): number {
    let chain: Chain | undefined;
    for (let at = first; ; at++) {
      const words = tokens(lines[at] ?? "");
      assert(at < lines.length, "a block ends");
      if (words[0] === "}") {
        if (chain === undefined) return at;
        chain = undefined;
      } else if (chain !== undefined) this.#addRule(chain, words);
      else if (words[0] === "chain") {
        chain = { rules: [], hook: undefined };
        table.chains.set(words[1] as string, chain);
      } else if (words[0] === "set" || words[0] === "map") addHolder(table, words.slice(1));
      else assert(words.length === 0, `"${lines[at]}" belongs into a table`);
    }
  }

  #addRule(chain: Chain, words: string[]): void {
    if (words[0] !== "type") {
      if (words.length > 0) chain.rules.push(words);
      return;
    }
    const [, type, , at, , priority] = words;
    assert(words.includes("accept"), "the policy of base chains is accept");
    chain.hook = { type: type as string, at: at as string, priority: Number(priority) };
  }

  #command(words: readonly string[]): void {
    const [verb, what, family, name, object = "", ...rest] = words;
    const tableName = `${family} ${name}`;
    if (what === "table") {
      if (verb === "add") this.#table(tableName, true);
      else assert(this.#tables.delete(tableName), "what is deleted is there");
      return;
    }
    const table = this.#table(tableName);
    switch (`${verb} ${what}`) {
      case "add set":
        addHolder(table, [object, ...rest]);
        return;
      case "delete set":
        assert(table.holders.delete(object), `set ${object} is there`);
        return;
      case "add chain":
        if (!table.chains.has(object)) table.chains.set(object, { rules: [], hook: undefined });
        return;
      case "flush chain":
        chainOf(table, object).rules.length = 0;
        return;
      case "delete chain":
        assert(table.chains.delete(object), `chain ${object} is there`);
        return;
      case "add rule":
        this.#addRule(chainOf(table, object), rest);
        return;
      case "add element":
      case "delete element":
        for (const [key, value] of elementsOf(rest)) {
          const { elements } = holderOf(table, object);
          if (verb === "delete") assert(elements.delete(key), `element ${key} of ${object} is there`);
          else {
            assert(!elements.has(key) || elements.get(key) === value, `element ${key} of ${object} has one value`);
            elements.set(key, value);
          }
        }
        return;
      default:
        assert(false, `"${verb} ${what}" is understood`);
    }
  }

  #checkReferences(table: Table): void {
    const check = (words: readonly string[]) => {
      for (const [at, word] of words.entries()) {
        if (word === "jump" || word === "goto") chainOf(table, words[at + 1] as string);
        if (word.startsWith("@")) holderOf(table, word.slice(1));
      }
    };
    for (const { rules } of table.chains.values()) for (const rule of rules) check(rule);
    for (const { elements } of table.holders.values()) for (const value of elements.values()) check(tokens(value));
  }
}

function chainOf(table: Table, name: string): Chain {
  const chain = table.chains.get(name);
  assert(chain !== undefined, `chain ${name} is there`);
  return chain;
}

function holderOf(table: Table, name: string): Holder {
  const holder = table.holders.get(name);
  assert(holder !== undefined, `set or map ${name} is there`);
  return holder;
}

function addHolder(table: Table, words: readonly string[]): void {
  const timeout = words.at(words.lastIndexOf("timeout") + 1);
  const timeoutMs =
    words.includes("timeout") && /^\d+s$/.test(timeout ?? "") ? Number.parseInt(timeout ?? "", 10) * 1000 : undefined;
  const elements = new Map(words.includes("elements") ? elementsOf(words.slice(words.indexOf("elements") + 2)) : []);
  table.holders.set(words[0] as string, { elements, timeoutMs, expiry: new Map() });
}

/** `{ key : value, key : value }`. */
function elementsOf(words: readonly string[]): [key: string, value: string][] {
  const inner = words.slice(words.indexOf("{") + 1, words.indexOf("}"));
  return inner
    .join(" ")
    .split(" , ")
    .map((element) => {
      const [key = "", value = ""] = element.split(" : ");
      return [key, value];
    });
}

/** One packet in one table at one hook. */
class Evaluation {
  readonly #table: Table;
  readonly #packet: Journey;
  readonly #localAddresses: ReadonlySet<string>;
  readonly #choose: Choose;
  readonly #nowMs: number;
  readonly #remember: boolean;

  constructor(
    table: Table,
    packet: Journey,
    localAddresses: ReadonlySet<string>,
    choose: Choose,
    nowMs: number,
    remember: boolean,
  ) {
    this.#table = table;
    this.#packet = packet;
    this.#localAddresses = localAddresses;
    this.#choose = choose;
    this.#nowMs = nowMs;
    this.#remember = remember;
  }

  /** Undefined when the chain ends, or returns, without a verdict. */
  chain(name: string): Verdict | undefined {
    for (const rule of chainOf(this.#table, name).rules) {
      const end = this.#rule([...rule]);
      if (end !== undefined) return end === "return" ? undefined : end;
    }
    return undefined;
  }

  /** Undefined when the next rule is to be asked. */
  #rule(words: string[]): Verdict | "return" | undefined {
    while (words.length > 0) {
      const word = words[0] as string;
      if (["ip", "meta", "th", "tcp", "udp", "sctp", "ct", "fib", "numgen"].includes(word) && !startsSetting(words)) {
        const end = this.#match(words);
        if (end === "mismatch") return undefined;
        if (end !== "match") return end;
      } else {
        const end = this.#statement(words);
        if (end !== undefined) return end;
      }
    }
    return undefined;
  }

  #statement(words: string[]): Verdict | "return" | undefined {
    const word = words.shift() as string;
    switch (word) {
      case "accept":
      case "drop":
      case "return":
        return word;
      case "reject":
        words.length = 0;
        return word;
      case "jump":
        return this.chain(words.shift() as string);
      case "goto":
        return this.chain(words.shift() as string) ?? "return";
      case "masquerade":
        this.#packet.masqueraded = true;
        return "accept";
      case "dnat": {
        const [address = "", port = ""] = (words[1] as string).split(":");
        this.#packet.daddr = address;
        this.#packet.dport = Number(port);
        return "accept";
      }
      case "meta": {
        const [, , , , operator, bits] = words.splice(0, 6);
        const mask = Number(bits);
        this.#packet.mark = operator === "or" ? this.#packet.mark | mask : this.#packet.mark ^ mask;
        return undefined;
      }
      case "update": {
        const [name = ""] = words.splice(0, words.indexOf("}") + 1);
        const holder = holderOf(this.#table, name.slice(1));
        if (this.#remember) {
          holder.elements.set(this.#packet.saddr, "");
          holder.expiry.set(this.#packet.saddr, this.#nowMs + (holder.timeoutMs as number));
        }
        return undefined;
      }
      default:
        assert(false, `"${[word, ...words].join(" ")}" is understood`);
    }
  }

  /** Takes one match off the words. */
  #match(words: string[]): "match" | "mismatch" | Verdict | "return" {
    if (words[0] === "numgen") {
      const count = Number(words[3]);
      words.splice(0, 4);
      return this.#verdictMap(words, String(this.#choose(count)));
    }
    const values = [this.#field(words)];
    while (words[0] === ".") {
      words.shift();
      values.push(this.#field(words));
    }
    if (values.includes(undefined)) return "mismatch";
    const key = values.join(" . ");
    if (words[0] === "vmap") return this.#verdictMap(words, key);
    const negated = words[0] === "!=";
    if (negated || words[0] === "==") words.shift();
    return this.#isAmong(words, key) === negated ? "mismatch" : "match";
  }

  #verdictMap(words: string[], key: string): "mismatch" | Verdict | "return" {
    assert(words.shift() === "vmap", "a verdict map follows");
    let value: string | undefined;
    if (words[0]?.startsWith("@")) value = holderOf(this.#table, words.shift()?.slice(1) as string).elements.get(key);
    else value = new Map(elementsOf(words.splice(0, words.indexOf("}") + 1))).get(key);
    // A verdict of `jump` comes back here: the next rule is asked, as after a rule that did not match.
    return value === undefined ? "mismatch" : (this.#statement(tokens(value)) ?? "mismatch");
  }

  #isAmong(words: string[], key: string): boolean {
    const word = words.shift() as string;
    if (word.startsWith("@")) {
      const { elements, expiry } = holderOf(this.#table, word.slice(1));
      return elements.has(key) && (expiry.get(key) ?? Number.POSITIVE_INFINITY) > this.#nowMs;
    }
    if (word.includes("/")) return inBlock(key, word);
    if (/^\d+-\d+$/.test(word)) {
      const [first = 0, last = 0] = word.split("-").map(Number);
      return Number(key) >= first && Number(key) <= last;
    }
    // `established , related`: alternatives without braces.
    const alternatives = [word];
    while (words[0] === ",") alternatives.push(words.splice(0, 2)[1] as string);
    return alternatives.includes(key);
  }

  /** Takes one field off the words; undefined: this packet has none. */
  #field(words: string[]): string | undefined {
    const [layer, name = ""] = words.splice(0, 2);
    const { protocol, dport, mark, established } = this.#packet;
    const hasPorts = protocol !== "icmp";
    switch (`${layer} ${name}`) {
      case "ip saddr":
        return this.#packet.saddr;
      case "ip daddr":
        return this.#packet.daddr;
      case "meta l4proto":
        return protocol;
      case "th dport":
        return hasPorts ? String(dport) : undefined;
      case "tcp dport":
      case "udp dport":
      case "sctp dport":
        return layer === protocol ? String(dport) : undefined;
      case "ct state":
        return established ? "established" : "new";
      case "meta mark": {
        const mask = Number(words.splice(0, 2)[1]);
        return String(mark & mask);
      }
      case "fib saddr":
      case "fib daddr": {
        words.shift();
        const address = name === "saddr" ? this.#packet.saddr : this.#packet.daddr;
        return this.#localAddresses.has(address) ? "local" : "unicast";
      }
      default:
        assert(false, `field "${layer} ${name}" is understood`);
    }
  }
}

function startsSetting(words: readonly string[]): boolean {
  return words[0] === "meta" && words[1] === "mark" && words[2] === "set";
}
