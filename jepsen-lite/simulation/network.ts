import type { Chance } from "./chance.ts";
import type { EventKind, Owner, Timeline } from "./timeline.ts";

export interface NetworkParameters {
  readonly leastDelayUs: number;
  /** On top of that, exponentially: what is sent later may arrive sooner. */
  readonly meanDelayUs: number;
  readonly lossPercent: number;
  readonly doubledPercent: number;
  /** Of a hundred messages, after so many the link is clogged for a while. */
  readonly clogPerMillion: number;
  readonly clogMeanUs: number;
  /** Messages between members keep their order, as on one connection. */
  readonly inOrder: boolean;
}

/** From one host to another; what comes back takes another one. */
interface Link {
  cut: boolean;
  /** Since it was cut, or healed. */
  sinceUs: number;
  clogUntilUs: number;
  lastArrivalUs: number;
  lossPercent: number;
  extraDelayUs: number;
  /** Parts of connections that arrived at a cut. */
  readonly waiting: { readonly delivery: Delivery; readonly broken: () => void; readonly giveUpUs: number }[];
}

/** How long a TCP connection tries to get bytes across, or its ends wait for a sign of life, before it is given up. */
export const patienceUs = 5_000_000;
const retransmitUs = 200_000;

/** What a message is to its receiver: who that is, and what happens when it arrives. */
export interface Delivery {
  readonly to: Owner;
  readonly kind: EventKind;
  arrive(): void;
}

/** Directed links between hosts, each with faults of its own. */
export class Network {
  readonly #timeline: Timeline;
  readonly #chance: Chance;
  readonly #parameters: NetworkParameters;
  readonly #links = new Map<number, Link>();
  /** What faults did: a network on which nothing was ever lost proves nothing. */
  readonly counts = { sent: 0, lost: 0, doubled: 0, clogged: 0, stopped: 0 };

  constructor(timeline: Timeline, chance: Chance, parameters: NetworkParameters) {
    this.#timeline = timeline;
    this.#chance = chance;
    this.#parameters = parameters;
  }

  cut(from: number, to: number): void {
    const link = this.#link(from, to);
    if (link.cut) return;
    link.cut = true;
    link.sinceUs = this.#timeline.nowUs;
  }

  heal(from: number, to: number): void {
    const link = this.#link(from, to);
    if (!link.cut) return;
    link.cut = false;
    link.sinceUs = this.#timeline.nowUs;
  }

  healAll(): void {
    for (const link of this.#links.values()) {
      if (link.cut) link.sinceUs = this.#timeline.nowUs;
      link.cut = false;
    }
  }

  /** Loses and delays what goes this way. */
  impair(from: number, to: number, lossPercent: number, extraDelayUs: number): void {
    const link = this.#link(from, to);
    link.lossPercent = lossPercent;
    link.extraDelayUs = extraDelayUs;
  }

  /** From now on nothing happens to messages but that they take their time. */
  mend(): void {
    this.healAll();
    for (const link of this.#links.values()) {
      link.lossPercent = 0;
      link.extraDelayUs = 0;
      link.clogUntilUs = 0;
    }
    this.#isMended = true;
  }

  #isMended = false;

  isCut(from: number, to: number): boolean {
    return this.#link(from, to).cut;
  }

  /** Whether the ends of a connection would have noticed: one direction has been cut for so long. */
  isDown(a: number, b: number): boolean {
    const untilUs = this.#timeline.nowUs - patienceUs;
    return isCutSince(this.#link(a, b), untilUs) || isCutSince(this.#link(b, a), untilUs);
  }

  /** A message that may be lost, doubled, late, or overtaken. Gives when it arrives; undefined: never. */
  send(from: number, to: number, mayDouble: boolean, delivery: Delivery): number | undefined {
    const link = this.#link(from, to);
    const { doubledPercent, inOrder } = this.#parameters;
    this.counts.sent++;
    if (link.cut) this.counts.stopped++;
    if (link.cut || this.#isLost(link)) {
      this.counts.lost++;
      return undefined;
    }
    const arrivalUs = this.#deliver(link, inOrder, delivery);
    if (!this.#isMended && mayDouble && this.#chance.percent(doubledPercent)) {
      this.counts.doubled++;
      this.#deliver(link, false, delivery);
    }
    return arrivalUs;
  }

  /** A part of a connection: in order, and not lost. When it cannot be brought across, `broken` is called instead, if that is soon enough for the receiver. */
  stream(from: number, to: number, delivery: Delivery, broken: () => void): void {
    const link = this.#link(from, to);
    this.counts.sent++;
    const part = { delivery, broken, giveUpUs: this.#timeline.nowUs + patienceUs };
    const lateUs = this.#isLost(link) ? retransmitUs : 0;
    const atUs = Math.max(this.#timeline.nowUs + this.#delayUs(link) + lateUs, link.lastArrivalUs + 1);
    link.lastArrivalUs = atUs;
    this.#timeline.at(atUs, delivery.to, delivery.kind, () => {
      // What comes later must not overtake what could not be brought across.
      if (!link.cut && link.waiting.length === 0) delivery.arrive();
      else {
        this.counts.stopped++;
        if (link.waiting.push(part) === 1) this.#retransmit(link);
      }
    });
  }

  /** Until the link is whole again, or the sender has lost patience. */
  #retransmit(link: Link): void {
    this.#timeline.after(retransmitUs, undefined, "control", () => {
      const { nowUs } = this.#timeline;
      if (link.cut && link.waiting.some(({ giveUpUs }) => giveUpUs > nowUs)) {
        this.#retransmit(link);
        return;
      }
      // At once, in order, and before what is still on its way.
      for (const { delivery, broken } of link.waiting.splice(0)) {
        const happen = link.cut ? broken : () => delivery.arrive();
        this.#timeline.at(nowUs, delivery.to, delivery.kind, happen);
      }
    });
  }

  #deliver(link: Link, inOrder: boolean, { to, kind, arrive }: Delivery): number {
    let atUs = this.#timeline.nowUs + this.#delayUs(link);
    if (inOrder) {
      atUs = Math.max(atUs, link.lastArrivalUs + 1);
      link.lastArrivalUs = atUs;
    }
    this.#timeline.at(atUs, to, kind, arrive);
    return atUs;
  }

  #isLost(link: Link): boolean {
    const percent = this.#isMended ? 0 : Math.max(this.#parameters.lossPercent, link.lossPercent);
    return this.#chance.percent(percent);
  }

  #delayUs(link: Link): number {
    const { leastDelayUs, meanDelayUs, clogPerMillion, clogMeanUs } = this.#parameters;
    const { nowUs } = this.#timeline;
    if (!this.#isMended && this.#chance.perMillion(clogPerMillion)) {
      this.counts.clogged++;
      link.clogUntilUs = nowUs + this.#chance.exponential(clogMeanUs);
    }
    const clogUs = Math.max(0, link.clogUntilUs - nowUs);
    return clogUs + leastDelayUs + link.extraDelayUs + this.#chance.exponential(meanDelayUs);
  }

  #link(from: number, to: number): Link {
    const key = from * 256 + to;
    let link = this.#links.get(key);
    if (link === undefined) {
      link = { cut: false, sinceUs: 0, clogUntilUs: 0, lastArrivalUs: 0, lossPercent: 0, extraDelayUs: 0, waiting: [] };
      this.#links.set(key, link);
    }
    return link;
  }
}

function isCutSince({ cut, sinceUs }: Link, atUs: number): boolean {
  return cut && sinceUs <= atUs;
}
