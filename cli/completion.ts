import { oneOf, parser } from "./flags.ts";
import { commandNames } from "./flotilla.ts";
import { say } from "./output.ts";

/** `flotilla completion bash`: completes the names of the commands. */
export async function main(args: string[]): Promise<void> {
  const command = parser("completion", "Prints a completion script: `source <(flotilla completion bash)`.")
    .argument("<shell>", "bash or zsh", oneOf("bash", "zsh"))
    .parse(args, { from: "user" });
  const words = commandNames.join(" ");
  if (command.args[0] === "zsh") say(`#compdef flotilla\n_arguments '1: :(${words})'`);
  else say(`complete -W "${words}" flotilla`);
}
