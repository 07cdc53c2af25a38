import { readFileSync } from "node:fs";
import type { LinuxContainerSecurityContext } from "../../cri.ts";
import { hasCapability } from "../capabilities.ts";
import { compile } from "./compile.ts";
import { defaultProfile } from "./default-profile.ts";
import { type Profile, parseProfile } from "./profile.ts";
import { type Architecture, architectureOf } from "./syscalls.ts";

/** Why containers' system calls cannot be filtered here; undefined: they can. `perl`: whether it is installed. */
export function whyNoFilters(perl: boolean): string | undefined {
  if (architectureOf(process.arch) === undefined) return `the system calls of ${process.arch} are not known`;
  return perl ? undefined : "perl is not installed";
}

/**
 * Words that, with `perl` before them and a command behind, install the container's filter and become the command; none when it has no filter. Perl, because a
 * system call by its number is part of the language, and because it is there on every Debian. Throws Error when a localhost profile cannot be used.
 */
export function filterWords(security: LinuxContainerSecurityContext): readonly string[] {
  const architecture = architectureOf(process.arch);
  const profile = architecture && profileOf(security, architecture);
  if (profile === undefined || architecture === undefined) return [];
  const program = Buffer.from(compile(profile, architecture)).toString("hex");
  return ["-e", install, "--", `${architecture.numbers.get("seccomp")}`, program];
}

/** seccomp(SECCOMP_SET_MODE_FILTER, 0, &(struct sock_fprog){ length, filter }), as root of the container: only that may do so without no_new_privs. */
const install = [
  "my ($seccomp, $hex) = splice @ARGV, 0, 2;",
  'my $filter = pack "H*", $hex;',
  'my $program = pack "S x6 P", length($filter) / 8, $filter;',
  'syscall($seccomp + 0, 1, 0, $program) == 0 or die "cannot filter system calls: $!\\n";',
  "exec { $ARGV[0] } @ARGV;",
].join(" ");

function profileOf(security: LinuxContainerSecurityContext, architecture: Architecture): Profile | undefined {
  const { seccomp, privileged } = security;
  if (privileged || seccomp === undefined || seccomp.profileType === "Unconfined") return undefined;
  if (seccomp.profileType === "RuntimeDefault")
    return defaultProfile((name) => hasCapability(security, name), architecture);
  const file = seccomp.localhostRef ?? "";
  try {
    return parseProfile(readFileSync(file, "utf8"));
  } catch (error) {
    throw new Error(`cannot load seccomp profile ${JSON.stringify(file)}: ${(error as Error).message}`, {
      cause: error,
    });
  }
}
