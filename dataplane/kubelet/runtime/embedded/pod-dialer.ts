// Runs inside a pod's network namespace: `node pod-dialer.ts SOCKET`. Each connection to the unix socket names a port (two bytes, high one first), hears
// a zero or a sentence, and is then joined to that port of localhost. Lives until its standard input ends, or nobody has used it for a while.
import { rmSync } from "node:fs";
import { connect, createServer, type Socket } from "node:net";

const idleMs = 5_000;
const [path] = process.argv.slice(2) as [string];
let open = 0;
let idle: NodeJS.Timeout | undefined;

function rest(): void {
  clearTimeout(idle);
  if (open === 0) idle = setTimeout(leave, idleMs);
}

function leave(): void {
  rmSync(path, { force: true });
  process.exit();
}

function serve(client: Socket): void {
  open++;
  clearTimeout(idle);
  client.on("error", () => client.destroy());
  client.on("close", () => {
    open--;
    rest();
  });
  client.once("readable", () => {
    const number = client.read(2) as Buffer | null;
    if (number === null) return void client.destroy();
    // Both families, as `localhost` may mean either.
    const target = connect({
      host: "localhost",
      port: number.readUInt16BE(),
      allowHalfOpen: true,
      autoSelectFamily: true,
    });
    let connected = false;
    target.on("error", (error) => {
      if (connected) client.destroy();
      else client.end(error.message);
    });
    target.on("connect", () => {
      connected = true;
      target.setNoDelay(true);
      client.write(Buffer.of(0));
      client.pipe(target);
      target.pipe(client);
    });
    client.on("close", () => target.destroy());
  });
}

const server = createServer({ allowHalfOpen: true }, serve);
rmSync(path, { force: true });
server.listen(path, () => {
  process.stdout.write("ready\n");
  rest();
});
process.stdin.resume();
process.stdin.on("end", leave);
process.stdin.on("close", leave);
