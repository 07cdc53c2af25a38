import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { seededRandom } from "../../base/mod.ts";
import { LevelHome } from "../mvcc/mod.ts";
import { FileStages } from "../snap/mod.ts";
import { nodeFiles, unsyncedNodeFiles } from "../wal/mod.ts";
import { refuseEtcdState } from "./foreign-state.ts";
import { askForMembers } from "./join.ts";
import { machineClock } from "./machine-clock.ts";
import { databasePathOf, defaults, type MemberOptions } from "./options.ts";
import { PeerTransport } from "./peer/peer-transport.ts";
import type { World } from "./world.ts";

/** The machine, as the options say which parts of it. */
export function machineWorld(options: MemberOptions): World {
  const { dataDir, listenPeerUrls: listenUrls, reusePort, peerReadTimeoutMs, peerTls: tls, log } = options;
  const databasePath = databasePathOf(options);
  const sync = options.unsafeNoFsync !== true;
  return {
    clock: machineClock,
    random: seededRandom(randomBytes(4).readUInt32LE()),
    randomBytes,
    defer: setImmediate,
    files: sync ? nodeFiles : unsyncedNodeFiles,
    home: new LevelHome(databasePath, { sync }),
    stages: new FileStages(join(dataDir, "member", "snap")),
    inspect: () => refuseEtcdState(dataDir, databasePath),
    askForMembers: (urls, upToDate) =>
      askForMembers(urls, tls, machineClock, options.version ?? defaults.version, upToDate),
    openTransport: (user) =>
      PeerTransport.open({
        ...user,
        listenUrls,
        reusePort,
        readTimeoutMs: peerReadTimeoutMs,
        tls,
        clock: machineClock,
        log,
      }),
  };
}
