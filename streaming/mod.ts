// Sessions of exec, attach and port-forward on connections that leave HTTP: WebSocket and SPDY.
export { refuseUpgrade, tune, type UpgradeRequest, upgradeOf } from "./accept.ts";
export { join } from "./join.ts";
export { serveReadable } from "./log-socket.ts";
export { servePortForward } from "./port-forward.ts";
export { acceptRemoteCommand } from "./remote-command.ts";
export { requestUpgrade, type UpgradeAnswer } from "./request-upgrade.ts";
export { dialPortForward, runRemoteCommand } from "./spdy-client.ts";
export type { CommandResult, RemoteCommand, StandardStreams, TerminalSize, WantedStreams } from "./streams.ts";
