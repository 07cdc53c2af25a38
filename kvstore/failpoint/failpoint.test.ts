import { afterEach, describe, expect, test } from "vitest";
import { seededRandom } from "../../base/mod.ts";
import { Failpoints, failpointsOfEnvironment } from "./mod.ts";
import { Terms } from "./terms.ts";

/** Failpoints of a process that only notes what would happen to it. */
function noted() {
  const events: string[] = [];
  const due: (() => void)[] = [];
  const failpoints = new Failpoints({
    crash(name, why): never {
      throw new Error(`crash at ${name}: ${why}`);
    },
    print: (line) => void events.push(line),
    after(ms, fire) {
      events.push(`wait ${ms}`);
      due.push(fire);
    },
    stop: (ms) => void events.push(`stop ${ms}`),
    random: seededRandom(7),
  });
  return { failpoints, events, due };
}

describe("terms", () => {
  const random = seededRandom(1);
  const sequence = (text: string, times: number) => {
    const terms = Terms.parse(text);
    return Array.from({ length: times }, () => {
      const effect = terms?.next(random);
      if (effect?.kind === "sleep") return effect.ms;
      return effect?.kind === "return" ? (effect.value ?? "return") : (effect?.kind ?? "nothing");
    });
  };

  test.each([
    ["panic", ["panic", "panic"]],
    ['sleep("3s")', [3000, 3000]],
    ["sleep(100)", [100, 100]],
    ['return("x -> y")', ["x -> y", "x -> y"]],
    ["return(7)", [7, 7]],
    ["return(true)", [true, true]],
    ["return()", ["return", "return"]],
    ["off", ["nothing", "nothing"]],
    ["1*sleep(5)", [5, "nothing"]],
    ["1*off->1*sleep(5)->panic", ["nothing", 5, "panic", "panic"]],
    ["0%panic", ["nothing", "nothing"]],
    ["100.0%print", ["print", "print"]],
  ])("%s", (text, expected) => {
    expect(sequence(text, expected.length)).toEqual(expected);
  });

  test("a percentage acts about that often", () => {
    const acted = sequence("10%panic", 2000).filter((effect) => effect === "panic").length;
    expect(acted).toBeGreaterThan(120);
    expect(acted).toBeLessThan(280);
  });

  test.each(["", "sleep", "sleep(true)", 'sleep("soon")', "explode", "panic->", "2panic", 'return("x'])(
    "%j is not of the language",
    (text) => expect(Terms.parse(text)).toBeUndefined(),
  );
});

describe("a place", () => {
  test("is passed without a look while nothing is set anywhere", () => {
    const { failpoints } = noted();
    expect(failpoints.armed).toBe(false);
    failpoints.set("beforeCommit", "print");
    expect(failpoints.armed).toBe(true);
    failpoints.clear("beforeCommit");
    expect(failpoints.armed).toBe(false);
  });

  test("crashes, prints, or lets what passes wait", async () => {
    const { failpoints, events, due } = noted();
    failpoints.set("beforeCommit", "1*sleep(20)->1*print->panic");
    const waiting = failpoints.pause("beforeCommit");
    expect(events).toEqual(["wait 20"]);
    due[0]?.();
    await waiting;
    await failpoints.pause("beforeCommit");
    expect(events[1]).toBe("failpoint print: beforeCommit");
    await expect(failpoints.pause("beforeCommit")).rejects.toThrow("crash at beforeCommit");
    await failpoints.pause("afterCommit"); // nothing is set there
  });

  test("of callbacks goes on now, or when the delay is over", () => {
    const { failpoints, events, due } = noted();
    failpoints.set("walBeforeSync", "1*sleep(20)");
    failpoints.pass("walBeforeSync", () => void events.push("first"));
    failpoints.pass("walBeforeSync", () => void events.push("second"));
    due[0]?.();
    expect(events).toEqual(["wait 20", "second", "first"]);
  });
});

describe("over HTTP", () => {
  let stop: (() => void) | undefined;
  afterEach(() => stop?.());

  async function serve(settings = "") {
    const { failpoints } = noted();
    const environment = { GOFAIL_HTTP: "127.0.0.1:0", GOFAIL_FAILPOINTS: settings };
    const server = await failpointsOfEnvironment(failpoints, environment);
    stop = server?.stop;
    const ask = async (method: string, path: string, body?: string) => {
      const response = await fetch(`http://127.0.0.1:${server?.port}/${path}`, { method, ...(body && { body }) });
      return [response.status, await response.text()] as const;
    };
    return { failpoints, ask };
  }

  test("all are listed, with what is set", async () => {
    const { ask } = await serve("walBeforeSync=sleep(1);noSuchPlace=panic");
    const [status, text] = await ask("GET", "");
    expect(status).toBe(200);
    const lines = text.trimEnd().split("\n");
    expect(lines).toContain("walBeforeSync=sleep(1)");
    expect(lines).toContain("raftBeforeSave=");
    expect(lines.length).toBe(48);
  });

  test("one is set, read, counted and cleared", async () => {
    const { failpoints, ask } = await serve();
    expect(await ask("PUT", "beforeCommit", 'return("x")')).toEqual([204, ""]);
    expect(failpoints.returned("beforeCommit")).toEqual({ kind: "return", value: "x" });
    expect(await ask("GET", "beforeCommit")).toEqual([200, 'return("x")\n']);
    expect(await ask("GET", "beforeCommit/count")).toEqual([200, "1"]);
    expect(await ask("DELETE", "beforeCommit")).toEqual([204, ""]);
    expect((await ask("GET", "beforeCommit"))[0]).toBe(404);
    expect((await ask("DELETE", "beforeCommit"))[0]).toBe(400);
  });

  test.each(["", "failpoints"])("several are put to /%s at once", async (path) => {
    const { failpoints, ask } = await serve();
    expect(await ask("PUT", path, "beforeCommit=panic;afterCommit=1*sleep(3)\nwalAfterSync=off")).toEqual([204, ""]);
    expect(failpoints.list().filter(({ terms }) => terms !== "").length).toBe(3);
  });

  test("nonsense is refused and sets nothing", async () => {
    const { failpoints, ask } = await serve();
    expect((await ask("PUT", "noSuchPlace", "panic"))[0]).toBe(400);
    expect((await ask("PUT", "beforeCommit", "explode"))[0]).toBe(400);
    expect((await ask("POST", "beforeCommit", "panic"))[0]).toBe(405);
    expect(failpoints.armed).toBe(false);
  });
});
