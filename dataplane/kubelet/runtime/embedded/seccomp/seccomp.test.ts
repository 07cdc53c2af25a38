import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { compile } from "./compile.ts";
import { defaultProfile } from "./default-profile.ts";
import { type ArgumentTest, allow, errno, type Profile, parseProfile, refuse } from "./profile.ts";
import { type Architecture, architectureOf } from "./syscalls.ts";

const x64 = architectureOf("x64") as Architecture;
const arm64 = architectureOf("arm64") as Architecture;

interface Call {
  readonly number: number;
  readonly architecture?: number;
  readonly args?: readonly bigint[];
}

/** What the kernel does with a filter: runs it on struct seccomp_data, and takes what it returns. */
function run(program: Uint8Array, { number, architecture = x64.audit, args = [] }: Call): number {
  const data = new DataView(new ArrayBuffer(64));
  data.setUint32(0, number, true);
  data.setUint32(4, architecture, true);
  for (const [index, value] of args.entries()) data.setBigUint64(16 + 8 * index, value, true);
  const code = new DataView(program.buffer, program.byteOffset, program.byteLength);
  let accumulator = 0;
  for (let at = 0; ; at++) {
    const [yes, no] = [code.getUint8(8 * at + 2), code.getUint8(8 * at + 3)];
    const k = code.getUint32(8 * at + 4, true);
    const jump = (condition: boolean) => {
      at += condition ? yes : no;
    };
    switch (code.getUint16(8 * at, true)) {
      case 0x20:
        accumulator = data.getUint32(k, true);
        break;
      case 0x54:
        accumulator = (accumulator & k) >>> 0;
        break;
      case 0x15:
        jump(accumulator === k);
        break;
      case 0x25:
        jump(accumulator > k);
        break;
      case 0x35:
        jump(accumulator >= k);
        break;
      case 0x06:
        return k;
      default:
        throw new Error(`no instruction of a filter at ${at}`);
    }
  }
}

/** The profile as it reads: conditional rules in order, then the first of the others, then the default. */
function meaning({ rules, defaultAction }: Profile, name: string, args: readonly bigint[]): number {
  const mine = rules.filter(({ names }) => names.includes(name));
  const conditional = mine.find((rule) => rule.args.length > 0 && rule.args.every((one) => holds(one, args)));
  return (conditional ?? mine.find((rule) => rule.args.length === 0))?.action ?? defaultAction;
}

function holds({ op, index, value, valueTwo }: ArgumentTest, args: readonly bigint[]): boolean {
  const argument = args[index] ?? 0n;
  const answers = {
    EQ: argument === value,
    NE: argument !== value,
    LT: argument < value,
    LE: argument <= value,
    GT: argument > value,
    GE: argument >= value,
    MASKED_EQ: (argument & value) === valueTwo,
  };
  return answers[op];
}

const numberOf = (name: string, { numbers } = x64) => numbers.get(name) as number;
const refused = refuse(errno.EPERM);
const missing = refuse(errno.ENOSYS);

test("numbers are the kernel's", () => {
  const known = { read: 0, clone: 56, execve: 59, mount: 165, openat: 257, seccomp: 317, clone3: 435, mseal: 462 };
  for (const [name, number] of Object.entries(known)) expect(numberOf(name), name).toBe(number);
  const onArm = { io_setup: 0, openat: 56, read: 63, clone: 220, execve: 221, seccomp: 277, clone3: 435 };
  for (const [name, number] of Object.entries(onArm)) expect(numberOf(name, arm64), name).toBe(number);
});

describe("the default profile", () => {
  const without = compile(
    defaultProfile(() => false, x64),
    x64,
  );
  const withAdmin = compile(
    defaultProfile((name) => name === "SYS_ADMIN", x64),
    x64,
  );
  const decide = (name: string, ...args: bigint[]) => run(without, { number: numberOf(name), args });

  test.each([
    ["read", [], allow],
    ["openat2", [], allow],
    ["mount", [], refused],
    ["unshare", [], refused],
    ["bpf", [], refused],
    ["keyctl", [], refused],
    ["clone", [0x11n], allow],
    ["clone", [0x1000_0011n], refused],
    ["clone3", [], missing],
    ["personality", [0xffff_ffffn], allow],
    ["personality", [0x4000n], refused],
    ["socket", [2n], allow],
    ["socket", [40n], refused],
  ] as const)("%s(%s)", (name, args, expected) => {
    expect(decide(name, ...args)).toBe(expected);
  });

  test("a capability opens what it is about", () => {
    for (const name of ["mount", "unshare", "clone", "clone3"])
      expect(run(withAdmin, { number: numberOf(name), args: [0x1000_0011n] }), name).toBe(allow);
    expect(run(withAdmin, { number: numberOf("keyctl") })).toBe(refused);
  });

  test("calls that are not known, of other architectures, and of x32, do not exist", () => {
    expect(run(without, { number: 2_000 })).toBe(missing);
    expect(run(without, { number: numberOf("read"), architecture: 0x4000_0003 })).toBe(missing);
    expect(run(without, { number: 0x4000_0000 })).toBe(missing);
  });
});

const word = fc.oneof(fc.bigInt(0n, 8n), fc.bigInt(0n, (1n << 64n) - 1n), fc.constantFrom(1n << 32n, (1n << 32n) - 1n));
const names = fc.uniqueArray(fc.constantFrom("read", "write", "open", "close", "stat", "clone", "futex"), {
  minLength: 1,
});
const argumentTest: fc.Arbitrary<ArgumentTest> = fc.record({
  index: fc.nat(5),
  op: fc.constantFrom("EQ", "NE", "LT", "LE", "GT", "GE", "MASKED_EQ"),
  value: word,
  valueTwo: word,
});
const profile: fc.Arbitrary<Profile> = fc.record({
  defaultAction: fc.constantFrom(allow, missing),
  rules: fc.array(
    fc.record({ names, action: fc.constantFrom(allow, refused, 0), args: fc.array(argumentTest, { maxLength: 3 }) }),
  ),
});

test("a compiled profile decides as it reads", () => {
  const calls = fc.array(
    fc.tuple(fc.constantFrom("read", "write", "clone", "getpid"), fc.array(word, { maxLength: 6 })),
  );
  fc.assert(
    fc.property(profile, calls, (rules, all) => {
      const program = compile(rules, x64);
      for (const [name, args] of all)
        expect(run(program, { number: numberOf(name), args })).toBe(meaning(rules, name, args));
    }),
  );
});

describe("a profile of the node", () => {
  test("is what the runtime specification calls one", () => {
    const text = JSON.stringify({
      defaultAction: "SCMP_ACT_ERRNO",
      defaultErrnoRet: 38,
      architectures: ["SCMP_ARCH_X86_64"],
      syscalls: [
        { names: ["read", "no_such_call"], action: "SCMP_ACT_ALLOW" },
        { names: ["write"], action: "SCMP_ACT_KILL_PROCESS", args: [{ index: 0, value: 2, op: "SCMP_CMP_EQ" }] },
      ],
    });
    const program = compile(parseProfile(text), x64);
    expect(run(program, { number: numberOf("read") })).toBe(allow);
    expect(run(program, { number: numberOf("write"), args: [2n] })).toBe(0x8000_0000);
    expect(run(program, { number: numberOf("write"), args: [1n] })).toBe(missing);
  });

  test.each([
    ['{"defaultAction":"SCMP_ACT_NOTIFY"}', 'the action "SCMP_ACT_NOTIFY" is not known'],
    ["{}", 'the action "" is not known'],
    [
      '{"defaultAction":"SCMP_ACT_LOG","syscalls":[{"names":["read"],"action":"SCMP_ACT_LOG","args":[{"index":6,"op":"SCMP_CMP_EQ"}]}]}',
      "calls have no argument 6",
    ],
  ])("that asks for what is not there is refused: %s", (text, why) => {
    expect(() => parseProfile(text)).toThrow(why);
  });
});
