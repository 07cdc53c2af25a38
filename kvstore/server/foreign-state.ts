import { stat } from "node:fs/promises";
import { Failure } from "../../base/mod.ts";

/** etcd has a file of bbolt where this store has a directory: says what to do instead of failing at a path. */
export async function refuseEtcdState(dataDir: string, databasePath: string): Promise<void> {
  const found = await stat(databasePath).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined;
    throw error;
  });
  if (found === undefined || found.isDirectory()) return;
  throw new Failure(
    "EtcdDataDir",
    `${dataDir} is the data directory of an etcd: ${databasePath} is a file of bbolt`,
    `Take it over, with its log: flotilla etcdutl import --data-dir ${dataDir}`,
  );
}
