import { change, freshTable, removeTable } from "./change.ts";
import { run } from "./command.ts";
import { emptyContent, type Frame, type TableContent } from "./table.ts";

async function runNft(script: string): Promise<void> {
  await run("nft", ["-f", "-"], script);
}

/** Whether this process may change the nftables of the network namespace it is in. */
export async function nftablesWork(): Promise<boolean> {
  const probe = "ip flotilla-probe";
  try {
    await runNft(
      `add table ${probe}\nadd chain ${probe} c { type nat hook output priority -100; }\n${removeTable(probe)}`,
    );
    return true;
  } catch {
    return false; // no program, no kernel module, no right: whoever asks says what happens instead
  }
}

/** One table of the network namespace this process is in. The kernel keeps it when the process ends. */
export class NftTable {
  readonly #frame: Frame;
  /** What the kernel has; undefined when that is not known, and everything must be written anew. */
  #applied: TableContent | undefined;

  constructor(frame: Frame) {
    this.#frame = frame;
  }

  /** Writes what differs, in one step. When the table is written anew, `kept` says what of the old one goes along. Never called twice at once. */
  async sync(wanted: TableContent, kept: () => Promise<string> = async () => ""): Promise<void> {
    const { table } = this.#frame;
    const known = this.#applied;
    const script =
      known === undefined
        ? freshTable(this.#frame) + change(table, emptyContent, wanted) + (await kept())
        : change(table, known, wanted);
    if (script === "") return;
    this.#applied = undefined;
    await runNft(script);
    this.#applied = wanted;
  }

  async remove(): Promise<void> {
    this.#applied = undefined;
    await runNft(removeTable(this.#frame.table));
  }
}
