import { execFileSync } from "node:child_process";

/** An ordinary user of this machine, with a range of further ids as useradd gives one, for the duration of a test. */
export interface TestUser {
  readonly name: string;
  readonly id: number;
  remove(): void;
}

export function makeUser(): TestUser {
  const name = `flotilla-${process.pid}`;
  execFileSync("useradd", ["--no-create-home", "--home-dir", "/nonexistent", "--user-group", name]);
  const id = Number(execFileSync("id", ["-u", name], { encoding: "utf8" }));
  return { name, id, remove: () => void execFileSync("userdel", [name]) };
}

/** Beginning of a command line that leaves nothing of root, in the environment either. */
export function becoming({ name, id }: TestUser): readonly string[] {
  const environment = ["-i", "HOME=/nonexistent", "PATH=/usr/local/bin:/usr/bin:/bin"];
  return ["setpriv", `--reuid=${name}`, `--regid=${id}`, "--clear-groups", "--", "env", ...environment];
}
