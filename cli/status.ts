import { addressesHere, ownNetworks } from "./cluster/config.ts";
import { componentStates, requireCluster, supervisorOf } from "./cluster/control.ts";
import { readyNodes } from "./cluster/running.ts";
import { exitCodes } from "./component.ts";
import { clusterParser, oneOf } from "./flags.ts";
import { say, table } from "./output.ts";

/** `flotilla status`: exit code 0 when everything runs and every node is Ready, 1 otherwise. */
export async function main(args: string[]): Promise<void> {
  const flags = clusterParser("status", "Shows what runs, where, and how it is.")
    .option("-o, --output <format>", "text or json", oneOf("text", "json"), "text")
    .allowExcessArguments(false)
    .parse(args, { from: "user" })
    .opts<{ name: string; dataDir?: string; output: string }>();
  const { layout, config } = requireCluster(flags.name, flags.dataDir);
  const supervisor = supervisorOf(layout);
  const components = componentStates(layout, config);
  const ready = await readyNodes(layout, config);
  const stateOf = (name: string, pid: number | undefined) => {
    if (pid === undefined) return "stopped";
    if (!config.nodes.some((node) => node.name === name)) return "running";
    return ready.has(name) ? "Ready" : "NotReady";
  };
  const states = components.map(({ name, where, pid }) => ({ name, state: stateOf(name, pid), pid, where }));
  const healthy = supervisor !== undefined && states.every(({ state }) => state === "running" || state === "Ready");
  if (!healthy) process.exitCode = exitCodes.failed;
  if (flags.output === "json") {
    const { root, kubeconfig, logs } = layout;
    say(
      JSON.stringify(
        {
          ...{ name: config.name, healthy, supervisor: supervisor?.pid, root, kubeconfig, logs },
          ...(config.ingress !== undefined && { loopback: config.ingress.loopback }),
          components: states,
        },
        undefined,
        2,
      ),
    );
    return;
  }
  say(
    `cluster "${config.name}" in ${layout.root}${supervisor === undefined ? " (no supervisor: `flotilla start` resumes it)" : ""}`,
  );
  table(
    ["COMPONENT", "STATE", "PID", "WHERE"],
    states.map(({ name, state, pid, where }) => [name, state, pid === undefined ? "-" : String(pid), where]),
  );
  if (config.ingress !== undefined && ownNetworks(config)) say(addressesHere(config.ingress));
}
