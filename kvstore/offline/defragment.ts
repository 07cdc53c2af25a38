import { stat } from "node:fs/promises";
import { join } from "node:path";
import { Failure } from "../../base/mod.ts";
import { LevelHome } from "../mvcc/mod.ts";
import { asGo } from "./snapshot-file.ts";

/** Tidies the database of a member that does not run. A running one does it itself (`etcdctl defrag`), and has no need to stop for it. */
export async function defragmentDataDir(dataDir: string): Promise<void> {
  const path = join(dataDir, "member", "snap", "db");
  try {
    const found = await stat(path).catch((error: unknown) => {
      throw asGo("stat", path, error);
    });
    if (found.isFile()) throw new Failure("EtcdDataDir", `${path} is a file of etcd`, "Use etcd's own etcdutl for it");
    const engine = await new LevelHome(path).open();
    await engine.defragment();
    await engine.close();
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new Failure(
      "DefragmentFailed",
      `Failed to defragment etcd data[${dataDir}] (${why})`,
      "Stop the member first, or use etcdctl defrag",
      error,
    );
  }
}
