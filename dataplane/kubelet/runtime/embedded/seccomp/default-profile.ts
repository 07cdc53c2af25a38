import { allow, errno, type Profile, type Rule, refuse } from "./profile.ts";
import type { Architecture } from "./syscalls.ts";

/**
 * Calls that reach beyond a container: refused, unless the container has a capability that is about them. In short what containerd and Docker refuse
 * (docs.docker.com/engine/security/seccomp, "Significant syscalls blocked by the default profile").
 */
const guarded: readonly { readonly names: string; readonly unless: readonly string[] }[] = [
  { names: "add_key keyctl request_key", unless: [] },
  { names: "create_module get_kernel_syms query_module nfsservctl _sysctl sysfs uselib ustat vserver", unless: [] },
  { names: "userfaultfd swapon swapoff pivot_root io_uring_setup io_uring_enter io_uring_register", unless: [] },
  { names: "mount umount2 move_mount open_tree fsopen fsmount fsconfig fspick mount_setattr", unless: ["SYS_ADMIN"] },
  { names: "setns unshare sethostname setdomainname fanotify_init lookup_dcookie", unless: ["SYS_ADMIN"] },
  { names: "quotactl quotactl_fd statmount listmount", unless: ["SYS_ADMIN"] },
  { names: "bpf", unless: ["SYS_ADMIN", "BPF"] },
  { names: "perf_event_open", unless: ["SYS_ADMIN", "PERFMON"] },
  { names: "syslog", unless: ["SYS_ADMIN", "SYSLOG"] },
  { names: "open_by_handle_at", unless: ["DAC_READ_SEARCH"] },
  { names: "reboot kexec_load kexec_file_load", unless: ["SYS_BOOT"] },
  { names: "init_module finit_module delete_module", unless: ["SYS_MODULE"] },
  { names: "acct", unless: ["SYS_PACCT"] },
  { names: "kcmp pidfd_getfd process_madvise", unless: ["SYS_PTRACE"] },
  { names: "iopl ioperm", unless: ["SYS_RAWIO"] },
  { names: "settimeofday clock_settime clock_adjtime", unless: ["SYS_TIME"] },
  { names: "vhangup", unless: ["SYS_TTY_CONFIG"] },
  { names: "get_mempolicy set_mempolicy set_mempolicy_home_node mbind move_pages", unless: ["SYS_NICE"] },
];

/** CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID and NEWNET. */
const newNamespaces = 0x7e02_0000n;
/** Of personality(2): Linux, Linux with UNAME26, 32 bits, both, and "what is it?". */
const personalities = [0x0n, 0x0002_0000n, 0x8n, 0x0002_0008n, 0xffff_ffffn];
const AF_VSOCK = 40n;

/** The profile RuntimeDefault for a container that has certain capabilities (`SYS_ADMIN` …). Calls that are newer than this list do not exist. */
export function defaultProfile(hasCapability: (name: string) => boolean, { numbers }: Architecture): Profile {
  const has = (names: readonly string[]) => names.some(hasCapability);
  const refused = guarded.filter(({ unless }) => !has(unless)).flatMap(({ names }) => names.split(" "));
  const special: Rule[] = [
    { names: ["socket"], action: refuse(errno.EPERM), args: [test("EQ", AF_VSOCK)] },
    ...personalities.map((value) => ({ names: ["personality"], action: allow, args: [test("EQ", value)] })),
  ];
  if (!has(["SYS_ADMIN"])) {
    // The flags of clone3 are in memory, where no filter sees them: programs take clone instead when it does not exist.
    special.push({ names: ["clone3"], action: refuse(errno.ENOSYS), args: [] });
    special.push({ names: ["clone"], action: allow, args: [{ ...test("MASKED_EQ", newNamespaces), valueTwo: 0n }] });
    refused.push("clone", "clone3");
  }
  refused.push("personality");
  const guardedNames = new Set(refused);
  return {
    defaultAction: refuse(errno.ENOSYS),
    rules: [
      ...special,
      { names: refused.filter((name) => name !== "clone3"), action: refuse(errno.EPERM), args: [] },
      { names: [...numbers.keys()].filter((name) => !guardedNames.has(name)), action: allow, args: [] },
    ],
  };
}

function test(op: "EQ" | "MASKED_EQ", value: bigint) {
  return { index: 0, op, value, valueTwo: 0n };
}
