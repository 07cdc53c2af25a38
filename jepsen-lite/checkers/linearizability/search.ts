import type { Call, Model } from "./model.ts";
import { Visited } from "./visited.ts";

/** Where the search came to its furthest end: nothing that was under way could be the next to take effect. */
export interface Stuck<Op> {
  /** The operation that had to have taken effect by now, for it returned. */
  readonly blocked: Call<Op>;
  /** The others that were under way and had not. */
  readonly concurrent: readonly Call<Op>[];
  /** The last that had, in that order. */
  readonly before: readonly Call<Op>[];
  /** What they left, in words. */
  readonly state: string;
}

export type SearchResult<Op> =
  | { readonly kind: "legal"; readonly order: readonly Call<Op>[] }
  | { readonly kind: "illegal"; readonly stuck: Stuck<Op> }
  | { readonly kind: "running" };

/** How many linearized operations an explanation begins with. */
const linesBefore = 8;

/** So many steps without getting further, and the search begins to dive. */
const patience = 2000;
/** So many dives' steps without getting further, and it becomes thorough. */
const persistence = 500_000;
/** Among how many of the last choices a dive begins at first. */
const shallowest = 16;

/** No entry of the list. The list's entry 0 is its head. */
const none = -1;

/**
 * The search of Wing and Gong for an order in which the operations could have taken effect, each between its invocation and its return, with Lowe's memory of
 * where it has been (J. M. Wing, C. Gong: Testing and verifying concurrent objects, 1993; G. Lowe: Testing for linearizability, 2017).
 *
 * Invocations and returns stand in a doubly linked list in the order of the history. What is invoked before the first return in the list may be next to take
 * effect; when it does, its two entries leave the list, and come back when the search does. A return that heads the list belongs to an operation that is too late.
 *
 * Three rules keep it near linear for histories of real stores:
 *
 * - A read that is legal now takes effect now, and skipping it is never tried: it changes nothing, and nothing has to come before it, so in any order that
 *   works it can be moved here. Only what is a read by kind: see `Model.isRead`.
 * - Others wait until a return forces them: first the operation whose return that is, then those which make it legal, then the rest by their returns.
 * - Of crashed operations that ask for the same, the one invoked first is used first: it could stand wherever another of them does.
 *
 * A choice that was wrong may show only many choices later, and all that lies between has exponentially many variants. So when it does not get further, the search
 * makes one of the last choices otherwise, without trying all that follows from it: it dives. Where there are many orders, that finds one. Where it does not, the
 * search begins anew, and leaves nothing out: only then is a history illegal.
 *
 * A set of operations that have taken effect is remembered as the first return in the list and the invocations before it: all other operations invoked
 * earlier are in the set, none invoked later is. That is as long as operations were under way, not as the history.
 */
export class Search<State, Op> {
  /** Steps of the model taken so far: what a budget is counted in. */
  spent = 0;

  readonly #model: Model<State, Op>;
  /** Completed calls in the order of their invocations, then crashed ones in theirs. A call's number is its place here. */
  readonly #calls: readonly Call<Op>[];
  readonly #completed: number;
  readonly #isRead: Uint8Array;
  readonly #isConditional: Uint8Array;
  /** Entries 1 … 2n: completed calls' invocations and returns in the order of the history. */
  readonly #next: Int32Array;
  readonly #prev: Int32Array;
  readonly #callOfEntry: Int32Array;
  readonly #isReturn: Uint8Array;
  readonly #invokeEntry: Int32Array;
  readonly #returnEntry: Int32Array;
  /** Crashed calls that ask for the same, in the order of their invocations; the classes in the order of their first. */
  readonly #crashedClasses: readonly (readonly number[])[];
  /** How many of each class have taken effect: always the first so many. */
  readonly #crashedUsed: Int32Array;
  readonly #classOfCrashed: Int32Array;

  #state: State;
  /** Completed calls that have not taken effect. */
  #remaining: number;
  /** What took effect, in order. */
  readonly #trail: number[] = [];
  readonly #frames: Frame<State>[] = [];
  #visited: Visited<State>;
  /** Of the last look at the list: the invocations before its first return, and that return's entry. */
  #window: Int32Array;
  #windowSize = 0;
  #firstReturn = none;
  #stuck: Stuck<Op> | undefined;
  #stuckAt = none;
  #begun = false;
  #mode: "first" | "dives" | "thorough" = "first";
  /** The first return at the furthest that the search came. */
  #furthest = none;
  /** Steps after which it has been there for too long. */
  #giveUpAt = patience;
  /** The way there, while it dives. */
  readonly #best: { readonly frames: Frame<State>[]; readonly trail: number[] } = { frames: [], trail: [] };
  #bestReached = none;
  /** The operation that had to return there. */
  #bestBlocked = none;
  /** In a dive one of so many choices is made by chance. */
  #noise = 32;
  /** The first return where the present way is. */
  #reached = none;
  /** Of the frames, so many are still those of the best way. */
  #forkedAt = 0;
  /** From where the best way ends. */
  #dives = 0;
  #random = 0x9e3779b9;

  constructor(model: Model<State, Op>, calls: readonly Call<Op>[]) {
    this.#model = model;
    const byInvocation = [...calls].sort((a, b) => a.invoked - b.invoked);
    const completed = byInvocation.filter((call) => call.returned !== Infinity);
    // A crashed read tells nothing and does nothing.
    const crashed = byInvocation.filter((call) => call.returned === Infinity && !model.isRead(call.op));
    this.#calls = [...completed, ...crashed];
    const n = completed.length;
    this.#completed = n;
    this.#remaining = n;
    this.#isRead = Uint8Array.from(completed, (call) => (model.isRead(call.op) ? 1 : 0));
    this.#isConditional = Uint8Array.from(completed, (call) => (model.isConditional?.(call.op) ? 1 : 0));
    this.#next = new Int32Array(2 * n + 1).fill(none);
    this.#prev = new Int32Array(2 * n + 1).fill(none);
    this.#callOfEntry = new Int32Array(2 * n + 1);
    this.#isReturn = new Uint8Array(2 * n + 1);
    this.#invokeEntry = new Int32Array(n);
    this.#returnEntry = new Int32Array(n);
    this.#layOut();

    const classes = new Map<string, number[]>();
    this.#classOfCrashed = new Int32Array(crashed.length);
    for (let i = 0; i < crashed.length; i++) {
      const asked = model.describe((crashed[i] as Call<Op>).op);
      const members = classes.get(asked);
      if (members === undefined) classes.set(asked, [n + i]);
      else members.push(n + i);
    }
    this.#crashedClasses = [...classes.values()];
    for (let c = 0; c < this.#crashedClasses.length; c++)
      for (const call of this.#crashedClasses[c] as readonly number[]) this.#classOfCrashed[call - n] = c;
    this.#crashedUsed = new Int32Array(this.#crashedClasses.length);

    this.#state = model.initial;
    this.#visited = new Visited((a, b) => model.equal(a, b));
    this.#window = new Int32Array(64);
  }

  /** Bytes of memory that grow with the search. */
  get sizeBytes(): number {
    return this.#visited.sizeBytes;
  }

  /** Goes on for about so many steps of the model. */
  run(steps: number): SearchResult<Op> {
    const until = this.spent + steps;
    if (!this.#begun) {
      this.#begun = true;
      this.#arrive();
    }
    while (this.#remaining > 0) {
      if (this.spent >= until) return { kind: "running" };
      if (this.spent >= this.#giveUpAt && this.#frames.length > 0) this.#changeMode();
      const frame = this.#frames.at(-1);
      if (frame === undefined) return { kind: "illegal", stuck: this.#stuck as Stuck<Op> };
      this.#undoTo(frame.trail);
      this.#state = frame.state;
      const candidate = this.#nextChoice(frame);
      if (candidate === none) {
        if (this.#mode === "dives") this.#diveAgain();
        else this.#frames.pop();
        continue;
      }
      const after = this.#step(candidate);
      if (after === undefined) continue;
      this.#lift(candidate);
      this.#state = after;
      this.#arrive();
    }
    return { kind: "legal", order: this.#trail.map((call) => this.#calls[call] as Call<Op>) };
  }

  #step(call: number): State | undefined {
    this.spent++;
    return this.#model.step(this.#state, (this.#calls[call] as Call<Op>).op);
  }

  /** A new node of the search: lets legal reads take effect, and opens it unless it was visited. */
  #arrive(): void {
    this.#readAndLook();
    if (this.#remaining === 0) return;
    if (this.#mode !== "dives" && !this.#remember()) return;
    const blocked = this.#callOfEntry[this.#firstReturn] as number;
    const isNoisy = this.#mode === "dives" && this.#below(this.#noise) === 0;
    const first = isNoisy ? undefined : this.#firstChoices(blocked);
    const choices = first ?? this.#otherChoices(blocked, undefined);
    if (isNoisy && this.#isRead[blocked] === 0 && this.#step(blocked) !== undefined) choices.push(blocked);
    if (choices.length === 0) {
      this.#noteStuck();
      if (this.#mode === "dives") this.#diveAgain();
      return;
    }
    const frame = {
      state: this.#state,
      trail: this.#trail.length,
      blocked,
      choices,
      cursor: isNoisy && choices.length > 1 ? this.#below(choices.length) : 0,
      all: first === undefined,
    };
    this.#frames.push(frame);
    this.#reached = this.#firstReturn;
    if (this.#firstReturn <= this.#furthest) return;
    this.#furthest = this.#firstReturn;
    if (this.#mode !== "thorough") this.#giveUpAt = this.spent + (this.#mode === "dives" ? persistence : patience);
  }

  /** It has been at the same place for too long. */
  #changeMode(): void {
    if (this.#mode === "first") {
      this.#mode = "dives";
      this.#giveUpAt = this.spent + persistence;
      this.#diveAgain();
      return;
    }
    // From the beginning, and now nothing is left out.
    this.#mode = "thorough";
    this.#giveUpAt = Number.POSITIVE_INFINITY;
    this.#undoTo(0);
    this.#frames.length = 0;
    this.#visited = new Visited((a, b) => this.#model.equal(a, b));
    this.#state = this.#model.initial;
    this.#arrive();
  }

  /** Goes back on the way that led furthest, and makes a choice there otherwise. */
  #diveAgain(): void {
    if (this.#reached >= this.#bestReached) this.#keepWay();
    this.#reached = none;
    this.#noise = 8 << this.#below(6);
    const { frames, trail } = this.#best;
    const at = this.#drawFork();
    const fork = frames[at] as Frame<State>;
    const kept = Math.min(at, this.#forkedAt);
    this.#undoTo((frames[kept] as Frame<State>).trail);
    for (let i = this.#trail.length; i < fork.trail; i++) this.#lift(trail[i] as number);
    this.#frames.length = kept;
    for (let i = kept; i <= at; i++) this.#frames.push(frames[i] as Frame<State>);
    this.#forkedAt = at;
    this.#state = fork.state;
    if (!fork.all) {
      this.#look();
      fork.choices = [...fork.choices, ...this.#otherChoices(fork.blocked, fork.choices)];
      fork.all = true;
    }
    // Rather what returns soon, which stands in front.
    fork.cursor = Math.min(this.#below(fork.choices.length), this.#below(fork.choices.length));
  }

  /** The present way is the best: also when it came only as far as another, for other ways lead on from it. */
  #keepWay(): void {
    const { frames, trail } = this.#best;
    if (this.#reached > this.#bestReached) this.#dives = 0;
    this.#bestReached = this.#reached;
    this.#bestBlocked = this.#callOfEntry[this.#firstReturn] as number;
    frames.length = Math.min(this.#forkedAt, frames.length);
    trail.length = frames.at(-1)?.trail ?? 0;
    for (let i = frames.length; i < this.#frames.length; i++) frames.push(this.#frames[i] as Frame<State>);
    for (let i = trail.length; i < this.#trail.length; i++) trail.push(this.#trail[i] as number);
  }

  /** By chance, and rather where the state was once as the operation needs it that cannot take effect at the end. */
  #drawFork(): number {
    const { frames } = this.#best;
    const depth = Math.min(frames.length, shallowest + (this.#dives++ >> 3));
    const drawn = frames.length - 1 - this.#below(depth);
    if (this.#below(4) === 0) return drawn;
    const { op } = this.#calls[this.#bestBlocked] as Call<Op>;
    for (let at = drawn; at >= frames.length - depth; at--) {
      const after = frames[at + 1]?.state;
      if (after !== undefined && this.#model.step(after, op) !== undefined) return at;
    }
    return drawn;
  }

  /** xorshift32. */
  #below(below: number): number {
    this.#random ^= this.#random << 13;
    this.#random ^= this.#random >>> 17;
    this.#random ^= this.#random << 5;
    return (this.#random >>> 0) % below;
  }

  #nextChoice(frame: Frame<State>): number {
    if (frame.cursor === frame.choices.length && !frame.all) {
      // What should have worked led nowhere: only now is it worth looking for the rest.
      frame.all = true;
      this.#look();
      frame.choices = this.#otherChoices(frame.blocked, frame.choices);
      frame.cursor = 0;
    }
    return frame.choices[frame.cursor++] ?? none;
  }

  /**
   * When the operation that is to return is legal: that one, and before it, where it would be legal after anything, what is legal only in few states. It costs
   * nothing there, and may find no such state again. Undefined when it is not.
   */
  #firstChoices(blocked: number): number[] | undefined {
    if (this.#isRead[blocked] === 1 || this.#step(blocked) === undefined) return undefined;
    if (this.#isConditional[blocked] === 1) return [blocked];
    const choices: number[] = [];
    for (let i = 0; i < this.#windowSize; i++) {
      const call = this.#window[i] as number;
      if (this.#isConditional[call] === 1 && this.#step(call) !== undefined) choices.push(call);
    }
    if (choices.length > 1) choices.sort((a, b) => this.#returned(a) - this.#returned(b));
    choices.push(blocked);
    return choices;
  }

  /** What else may take effect next in the current state, best first. Needs the last look at the list to be of now. */
  #otherChoices(blocked: number, tried: readonly number[] | undefined): number[] {
    const legal: number[] = [];
    for (let i = 0; i < this.#windowSize; i++) {
      const call = this.#window[i] as number;
      // A read in the window is illegal here, or it would have left.
      if (call === blocked || this.#isRead[call] === 1 || tried?.includes(call)) continue;
      if (this.#step(call) !== undefined) legal.push(call);
    }
    const before = this.#returned(blocked);
    for (let c = 0; c < this.#crashedClasses.length; c++) {
      const members = this.#crashedClasses[c] as readonly number[];
      if ((this.#calls[members[0] as number] as Call<Op>).invoked > before) break;
      const call = members[this.#crashedUsed[c] as number];
      if (call === undefined || (this.#calls[call] as Call<Op>).invoked > before) continue;
      // Nobody needs to know whether a crashed operation happened that changes nothing here.
      const after = this.#step(call);
      if (after !== undefined && !this.#model.equal(after, this.#state)) legal.push(call);
    }
    if (legal.length < 2) return legal;
    return legal
      .map((call) => ({ call, rank: this.#rank(call, blocked, tried !== undefined), returned: this.#returned(call) }))
      .sort((a, b) => a.rank - b.rank || compareReturns(a.returned, b.returned) || a.call - b.call)
      .map(({ call }) => call);
  }

  /** Least is best. First what makes the blocked operation legal, with what is seldom legal put before a write that would do so in any state. */
  #rank(call: number, blocked: number, blockedIsLegal: boolean): number {
    const crashed = call >= this.#completed ? 4 : 0;
    const conditional = crashed === 0 && this.#isConditional[call] === 1;
    if (blockedIsLegal) return crashed;
    const helps = this.#model.step(this.#step(call) as State, (this.#calls[blocked] as Call<Op>).op) !== undefined;
    if (helps) return conditional ? 0 : crashed === 0 ? 2 : 3;
    return conditional ? 1 : 4 + crashed;
  }

  #returned(call: number): number {
    return (this.#calls[call] as Call<Op>).returned;
  }

  /** Reads that are legal take effect; what is left before the first return is the window. */
  #readAndLook(): void {
    let size = 0;
    let entry = this.#next[0] as number;
    for (; entry !== none && this.#isReturn[entry] === 0; entry = this.#next[entry] as number) {
      const call = this.#callOfEntry[entry] as number;
      if (this.#isRead[call] === 1 && this.#step(call) !== undefined) {
        this.#lift(call);
        continue;
      }
      if (size === this.#window.length) this.#growWindow();
      this.#window[size++] = call;
    }
    this.#windowSize = size;
    this.#firstReturn = entry;
  }

  #look(): void {
    let size = 0;
    let entry = this.#next[0] as number;
    for (; entry !== none && this.#isReturn[entry] === 0; entry = this.#next[entry] as number) {
      if (size === this.#window.length) this.#growWindow();
      this.#window[size++] = this.#callOfEntry[entry] as number;
    }
    this.#windowSize = size;
    this.#firstReturn = entry;
  }

  #growWindow(): void {
    const window = new Int32Array(this.#window.length * 2);
    window.set(this.#window);
    this.#window = window;
  }

  /** False when the search was here before. */
  #remember(): boolean {
    const length = this.#windowSize + 1 + this.#crashedUsed.length;
    while (this.#window.length < length) this.#growWindow();
    // Behind the window, where nobody looks for operations.
    this.#window[this.#windowSize] = this.#firstReturn;
    this.#window.set(this.#crashedUsed, this.#windowSize + 1);
    return this.#visited.add(this.#window, length, this.#state, this.#model.hash(this.#state));
  }

  #lift(call: number): void {
    this.#trail.push(call);
    if (call >= this.#completed) {
      const crashedClass = this.#classOfCrashed[call - this.#completed] as number;
      this.#crashedUsed[crashedClass] = (this.#crashedUsed[crashedClass] as number) + 1;
      return;
    }
    this.#remaining--;
    // The return first: when it stands next to the invocation, that one's own link then leads past both, for whoever is walking there.
    this.#unlink(this.#returnEntry[call] as number);
    this.#unlink(this.#invokeEntry[call] as number);
  }

  #undoTo(length: number): void {
    while (this.#trail.length > length) {
      const call = this.#trail.pop() as number;
      if (call >= this.#completed) {
        const crashedClass = this.#classOfCrashed[call - this.#completed] as number;
        this.#crashedUsed[crashedClass] = (this.#crashedUsed[crashedClass] as number) - 1;
        continue;
      }
      this.#remaining++;
      this.#relink(this.#invokeEntry[call] as number);
      this.#relink(this.#returnEntry[call] as number);
    }
  }

  #unlink(entry: number): void {
    const next = this.#next[entry] as number;
    const prev = this.#prev[entry] as number;
    this.#next[prev] = next;
    if (next !== none) this.#prev[next] = prev;
  }

  #relink(entry: number): void {
    const next = this.#next[entry] as number;
    const prev = this.#prev[entry] as number;
    this.#next[prev] = entry;
    if (next !== none) this.#prev[next] = entry;
  }

  #noteStuck(): void {
    if (this.#firstReturn <= this.#stuckAt) return;
    this.#stuckAt = this.#firstReturn;
    const callAt = (call: number) => this.#calls[call] as Call<Op>;
    const blocked = this.#callOfEntry[this.#firstReturn] as number;
    this.#stuck = {
      blocked: callAt(blocked),
      concurrent: [...this.#window.subarray(0, this.#windowSize)].filter((call) => call !== blocked).map(callAt),
      before: this.#trail.slice(-linesBefore).map(callAt),
      state: this.#model.describeState(this.#state),
    };
  }

  /** Fills the list: invocations are in order already, returns are sorted and merged in. */
  #layOut(): void {
    const n = this.#completed;
    const byReturn = Array.from({ length: n }, (_, call) => call).sort(
      (a, b) => (this.#calls[a] as Call<Op>).returned - (this.#calls[b] as Call<Op>).returned,
    );
    let invoked = 0;
    let returned = 0;
    for (let entry = 1; entry <= 2 * n; entry++) {
      const returning = byReturn[returned] as number;
      const isReturn =
        invoked === n || (this.#calls[returning] as Call<Op>).returned < (this.#calls[invoked] as Call<Op>).invoked;
      const call = isReturn ? returning : invoked;
      this.#callOfEntry[entry] = call;
      if (isReturn) {
        this.#isReturn[entry] = 1;
        this.#returnEntry[call] = entry;
        returned++;
      } else {
        this.#invokeEntry[call] = entry;
        invoked++;
      }
      this.#next[entry - 1] = entry;
      this.#prev[entry] = entry - 1;
    }
  }
}

/** A node whose choices are being tried. */
interface Frame<State> {
  readonly state: State;
  /** Length of the trail before the choice. */
  readonly trail: number;
  /** The operation that has to return next. */
  readonly blocked: number;
  choices: readonly number[];
  cursor: number;
  /** Whether, with these, all choices have been found. */
  all: boolean;
}

function compareReturns(a: number, b: number): number {
  return a === b ? 0 : a - b;
}
