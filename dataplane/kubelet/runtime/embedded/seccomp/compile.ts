import { assert } from "../../../../../base/mod.ts";
import { type ArgumentTest, errno, type Profile, refuse } from "./profile.ts";
import type { Architecture } from "./syscalls.ts";

// Classic BPF, as linux/bpf_common.h numbers it: load a word of struct seccomp_data, jump, mask, return.
const LD = 0x20;
const AND = 0x54;
const RET = 0x06;
const JEQ = 0x15;
const JGT = 0x25;
const JGE = 0x35;

/** Where struct seccomp_data (linux/seccomp.h) has the call's number, the architecture, and its arguments of eight bytes. */
const nrAt = 0;
const archAt = 4;
const argumentAt = (index: number) => 16 + 8 * index;

/** BPF_MAXINSNS */
const longest = 4096;

/** A place that code before it jumps to. */
type Label = { at?: number };
type Target = Label | "next";
interface Instruction {
  readonly code: number;
  readonly k: number;
  readonly yes: Target;
  readonly no: Target;
}

class Assembler {
  readonly #instructions: Instruction[] = [];

  emit(code: number, k: number, yes: Target = "next", no: Target = "next"): void {
    this.#instructions.push({ code, k: k >>> 0, yes, no });
  }

  place(label: Label): void {
    label.at = this.#instructions.length;
  }

  /** An array of struct sock_filter, in the order of bytes of all machines it is for. */
  bytes(): Uint8Array {
    assert(this.#instructions.length <= longest, "a filter has 4096 instructions at most");
    const bytes = new DataView(new ArrayBuffer(8 * this.#instructions.length));
    for (const [index, { code, k, yes, no }] of this.#instructions.entries()) {
      const distance = (target: Target) => {
        if (target === "next") return 0;
        assert(target.at !== undefined && target.at > index && target.at - index <= 256, "jumps are short and forward");
        return target.at - index - 1;
      };
      bytes.setUint16(8 * index, code, true);
      bytes.setUint8(8 * index + 2, distance(yes));
      bytes.setUint8(8 * index + 3, distance(no));
      bytes.setUint32(8 * index + 4, k, true);
    }
    return new Uint8Array(bytes.buffer);
  }
}

/**
 * The program that decides a profile, for seccomp(2). Rules with conditions are tried first, in order; then those without. Calls of other architectures than
 * the machine's own do not exist.
 */
export function compile(profile: Profile, architecture: Architecture): Uint8Array {
  const code = new Assembler();
  const [native, foreign] = [{} as Label, {} as Label];
  code.emit(LD, archAt);
  code.emit(JEQ, architecture.audit, "next", foreign);
  code.emit(LD, nrAt);
  code.emit(JGE, architecture.limit, "next", native);
  code.place(foreign);
  code.emit(RET, refuse(errno.ENOSYS));
  code.place(native);
  const numberOf = (name: string) => architecture.numbers.get(name);
  for (const { names, action, args } of profile.rules.filter((rule) => rule.args.length > 0)) {
    for (const number of names.map(numberOf).filter((found) => found !== undefined)) {
      const end: Label = {};
      code.emit(JEQ, number, "next", end);
      for (const test of args) emitTest(code, test, end);
      code.emit(RET, action);
      code.place(end);
      code.emit(LD, nrAt);
    }
  }
  for (const { first, last, action } of ranges(profile, numberOf)) {
    const [inside, after] = [{} as Label, {} as Label];
    code.emit(JGE, first, "next", after);
    code.emit(JGT, last, after, inside);
    code.place(inside);
    code.emit(RET, action);
    code.place(after);
  }
  code.emit(RET, profile.defaultAction);
  return code.bytes();
}

/** Rules without conditions, as runs of neighbouring numbers with one action. Of several rules for a call the first counts. */
function ranges(profile: Profile, numberOf: (name: string) => number | undefined) {
  const decided = new Map<number, number>();
  for (const { names, action, args } of profile.rules) {
    if (args.length > 0) continue;
    for (const number of names.map(numberOf))
      if (number !== undefined && !decided.has(number)) decided.set(number, action);
  }
  const runs: { first: number; last: number; readonly action: number }[] = [];
  for (const [number, action] of [...decided].sort(([a], [b]) => a - b)) {
    const run = runs.at(-1);
    if (run?.last === number - 1 && run.action === action) run.last = number;
    else runs.push({ first: number, last: number, action });
  }
  return runs;
}

/** Goes on when the test holds, else to `fails`. Words are 32 bits, arguments 64: the upper half decides unless it is equal. */
function emitTest(code: Assembler, { index, op, value, valueTwo }: ArgumentTest, fails: Label): void {
  const holds: Label = {};
  const wanted = op === "MASKED_EQ" ? valueTwo : value;
  const [upper, lower] = [Number(wanted >> 32n), Number(wanted & 0xffff_ffffn)];
  const load = (half: 0 | 4) => {
    code.emit(LD, argumentAt(index) + half);
    if (op === "MASKED_EQ") code.emit(AND, Number((value >> (half === 4 ? 32n : 0n)) & 0xffff_ffffn));
  };
  load(4);
  if (op === "GT" || op === "GE") code.emit(JGT, upper, holds);
  if (op === "LT" || op === "LE") code.emit(JGT, upper, fails);
  code.emit(JEQ, upper, "next", op === "NE" || op === "LT" || op === "LE" ? holds : fails);
  load(0);
  if (op === "EQ" || op === "MASKED_EQ") code.emit(JEQ, lower, "next", fails);
  if (op === "NE") code.emit(JEQ, lower, fails);
  if (op === "GT") code.emit(JGT, lower, "next", fails);
  if (op === "GE") code.emit(JGE, lower, "next", fails);
  if (op === "LT") code.emit(JGE, lower, fails);
  if (op === "LE") code.emit(JGT, lower, fails);
  code.place(holds);
}
