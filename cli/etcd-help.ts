import { type Flag, featureGates, flagGroups } from "./etcd-flags.ts";

export const usageText = `Usage:

  etcd [flags]
    Run a store member.

  etcd --version
    Print the version.

  etcd -h | --help
    Print this.

  etcd --config-file FILE
    Take the flags from a YAML file; those of the command line and the environment count for nothing then. Times may be
    nanoseconds, as in etcd's own files, or written as on the command line.
`;

/** All flags with their defaults, in etcd's order. Each may be given as ETCD_NAME in the environment as well. */
export function helpText(): string {
  const groups = Object.entries(flagGroups).map(([title, group]) => {
    const lines = Object.entries(group as Readonly<Record<string, Flag>>).map(
      ([name, flag]) => `  --${name}${shownDefault(flag)}\n    ${sentence(name, flag)}`,
    );
    return `${title}:\n${lines.join("\n")}\n`;
  });
  return `${usageText}\n${groups.join("\n")}`;
}

function shownDefault({ kind, otherwise }: Flag): string {
  return kind === "switch" && otherwise === "false" ? "" : ` '${otherwise}'`;
}

function sentence(name: string, { help, without, only }: Flag): string {
  const text = `${help[0]?.toUpperCase()}${help.slice(1)}.`;
  if (name === "feature-gates") {
    return [text, ...Object.entries(featureGates).map(([gate, on]) => `${gate}=true|false (default ${on})`)].join(
      "\n    ",
    );
  }
  if (without !== undefined) return `${text} Without effect: ${without}.`;
  return only === undefined ? text : `${text} Not supported here.`;
}

/** Four lines, of which launchers read the first. */
export function versionText(reported: string): string {
  const os = `${process.platform}/${process.arch === "x64" ? "amd64" : process.arch}`;
  return `etcd Version: ${reported}\nGit SHA: none\nGo Version: none (Node ${process.version})\nGo OS/Arch: ${os}\n`;
}
