/** A condition on one argument of a call, 64 bits without a sign. */
export interface ArgumentTest {
  /** 0 to 5. */
  readonly index: number;
  readonly op: "EQ" | "NE" | "LT" | "LE" | "GT" | "GE" | "MASKED_EQ";
  readonly value: bigint;
  /** MASKED_EQ compares with it what is left of the argument under the mask `value`. */
  readonly valueTwo: bigint;
}

export interface Rule {
  /** System calls; those the architecture does not have are passed over. */
  readonly names: readonly string[];
  readonly action: number;
  /** All must hold. Empty: the rule holds always. */
  readonly args: readonly ArgumentTest[];
}

/** What becomes of a system call. Actions are the kernel's (linux/seccomp.h): SECCOMP_RET_… with its data in the lower 16 bits. */
export interface Profile {
  readonly defaultAction: number;
  readonly rules: readonly Rule[];
}

export const allow = 0x7fff_0000;
export const errno = { EPERM: 1, ENOSYS: 38 } as const;
export const refuse = (error: number) => 0x0005_0000 | error;

const actions: Readonly<Record<string, (data: number) => number>> = {
  SCMP_ACT_ALLOW: () => allow,
  SCMP_ACT_ERRNO: refuse,
  SCMP_ACT_KILL: () => 0,
  SCMP_ACT_KILL_THREAD: () => 0,
  SCMP_ACT_KILL_PROCESS: () => 0x8000_0000,
  SCMP_ACT_LOG: () => 0x7ffc_0000,
  SCMP_ACT_TRAP: () => 0x0003_0000,
  SCMP_ACT_TRACE: (data) => 0x7ff0_0000 | data,
};

const operations = ["EQ", "NE", "LT", "LE", "GT", "GE", "MASKED_EQ"] as const;
const all64 = (1n << 64n) - 1n;

interface OciSeccomp {
  readonly defaultAction?: string;
  readonly defaultErrnoRet?: number;
  readonly syscalls?: readonly {
    readonly names?: readonly string[];
    readonly action?: string;
    readonly errnoRet?: number;
    readonly args?: readonly {
      readonly index: number;
      readonly value?: number;
      readonly valueTwo?: number;
      readonly op: string;
    }[];
  }[];
}

/** Reads `linux.seccomp` of the OCI runtime specification, which is what nodes keep as localhost profiles. Throws Error when it says what is not known here. */
export function parseProfile(text: string): Profile {
  const { defaultAction = "", defaultErrnoRet, syscalls = [] } = JSON.parse(text) as OciSeccomp;
  return {
    defaultAction: actionOf(defaultAction, defaultErrnoRet),
    rules: syscalls.map(({ names = [], action = "", errnoRet, args = [] }) => ({
      names,
      action: actionOf(action, errnoRet),
      args: args.map(({ index, value = 0, valueTwo = 0, op }) => {
        if (!Number.isInteger(index) || index < 0 || index > 5) throw new Error(`calls have no argument ${index}`);
        return { index, op: operationOf(op), value: unsigned(value), valueTwo: unsigned(valueTwo) };
      }),
    })),
  };
}

function actionOf(name: string, data: number = errno.EPERM): number {
  const action = actions[name];
  if (action === undefined) throw new Error(`the action ${JSON.stringify(name)} is not known`);
  return action(data & 0xffff);
}

function operationOf(name: string): ArgumentTest["op"] {
  const found = operations.find((operation) => name === `SCMP_CMP_${operation}`);
  if (found === undefined) throw new Error(`the comparison ${JSON.stringify(name)} is not known`);
  return found;
}

/** JSON's numbers are not exact near 2^64, where masks are. */
function unsigned(value: number): bigint {
  return value >= 2 ** 64 ? all64 : BigInt.asUintN(64, BigInt(value));
}
