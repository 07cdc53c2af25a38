import type { Clock, Log } from "../../../base/mod.ts";
import type { Node } from "../../api/mod.ts";
import { askKubelet, type KubeletOptions } from "../subresources/ask-kubelet.ts";
import { type NodeUsage, readSummary } from "./node-usage.ts";

/** How long an answer is passed on before the kubelet is asked again: metrics-server's resolution. */
const freshMs = 15_000;
/** Before a node has been measured at all, it is asked more often. */
const emptyMs = 2_000;
const patienceMs = 10_000;

interface Answer {
  readonly atMs: number;
  readonly usage: Promise<NodeUsage | undefined>;
  incomplete: boolean;
}

/** Asks kubelets what their nodes and pods use, when somebody wants to know. */
export class Scraper {
  readonly #kubelet: KubeletOptions | undefined;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #answers = new Map<string, Answer>();

  constructor(kubelet: KubeletOptions | undefined, clock: Clock, log: Log) {
    this.#kubelet = kubelet;
    this.#clock = clock;
    this.#log = log;
  }

  /** Undefined: the node does not say. */
  usage(node: Node): Promise<NodeUsage | undefined> {
    const { name } = node.metadata;
    const now = this.#clock.monotonic();
    const known = this.#answers.get(name);
    if (known !== undefined && now - known.atMs < (known.incomplete ? emptyMs : freshMs)) return known.usage;
    const answer: Answer = { atMs: now, usage: this.#scrape(node), incomplete: false };
    this.#answers.set(name, answer);
    void answer.usage.then((usage) => {
      answer.incomplete = usage?.node === undefined;
    });
    return answer.usage;
  }

  async #scrape(node: Node): Promise<NodeUsage | undefined> {
    if (this.#kubelet === undefined) return undefined;
    try {
      const signal = AbortSignal.timeout(patienceMs);
      const answer = await askKubelet(node, "/stats/summary", this.#kubelet, signal);
      let text = "";
      for await (const chunk of answer) text += String(chunk);
      if (answer.statusCode !== 200) throw new Error(`the kubelet answered ${answer.statusCode}: ${text.trim()}`);
      return readSummary(text);
    } catch (error) {
      this.#log("warn", "a node does not say what it uses", {
        node: node.metadata.name,
        error: (error as Error).message,
      });
      return undefined;
    }
  }
}
