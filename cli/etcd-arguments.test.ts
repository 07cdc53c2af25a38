import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { parseArguments, UsageError } from "./etcd-arguments.ts";
import { tlsLimits } from "./etcd-cipher-suites.ts";
import { readConfigFile } from "./etcd-config-file.ts";
import { flagNames } from "./etcd-flags.ts";
import { helpText } from "./etcd-help.ts";
import { memberOptions } from "./etcd-options.ts";

const parse = (words: string, environment: Record<string, string> = {}) =>
  parseArguments(words.split(" ").filter(Boolean), environment);

describe("a command line is read as Go reads it", () => {
  test.each(["--name x", "-name x", "--name=x", "-name=x"])("%s", (words) => {
    expect(parse(words).text("name")).toBe("x");
  });

  test("a switch takes its value only behind an equals sign", () => {
    expect(parse("--pre-vote=false --force-new-cluster --name x").switch("force-new-cluster")).toBe(true);
    expect(parse("--pre-vote=false").switch("pre-vote")).toBe(false);
    expect(parse("--pre-vote=F").switch("pre-vote")).toBe(false);
    expect(() => parse("--pre-vote false")).toThrow('"false" is not a valid flag');
  });

  test("values may hold anything, and the last one counts", () => {
    const flags = parse("--initial-cluster=a=http://x:1,b=http://y:2 --name a --name b");
    expect(flags.list("initial-cluster")).toEqual(["a=http://x:1", "b=http://y:2"]);
    expect(flags.text("name")).toBe("b");
  });

  test.each([
    ["--no-such-flag", "flag provided but not defined: -no-such-flag"],
    ["--name", "flag needs an argument: -name"],
    ["--snapshot-count=many", 'invalid value "many" for flag -snapshot-count: parse error'],
    ["--pre-vote=maybe", 'invalid value "maybe" for flag -pre-vote: parse error'],
    ["--corrupt-check-time=soon", 'invalid value "soon" for flag -corrupt-check-time: parse error'],
    ["--feature-gates=NoSuchGate=true", "unrecognized feature gate: NoSuchGate"],
    ["stray", '"stray" is not a valid flag'],
  ])("%s is wrong", (words, why) => {
    expect(() => parse(words)).toThrow(new UsageError(why));
  });

  test("what 3.6 called experimental still has its effect", () => {
    const flags = parse("--experimental-initial-corrupt-check=true --experimental-watch-progress-notify-interval=5s");
    expect(flags.gate("InitialCorruptCheck")).toBe(true);
    expect(flags.duration("watch-progress-notify-interval")).toBe(5000);
  });

  test("feature gates are a list of names and values", () => {
    const flags = parse("--feature-gates=CompactHashCheck=true,FastLeaseKeepAlive=false");
    expect([flags.gate("CompactHashCheck"), flags.gate("FastLeaseKeepAlive")]).toEqual([true, false]);
    expect(flags.gate("InitialCorruptCheck")).toBe(false);
  });

  test("every flag is in the help", () => {
    const help = helpText();
    for (const name of flagNames) expect(help).toContain(`--${name}`);
  });
});

describe("the environment", () => {
  test("stands in for flags that were not given", () => {
    const flags = parse("--name x", { ETCD_SNAPSHOT_COUNT: "50", ETCD_DATA_DIR: "", PATH: "/bin", ETCDCTL_API: "3" });
    expect(flags.number("snapshot-count")).toBe(50);
    expect(flags.given("data-dir")).toBe(false);
  });

  test("beside the same flag is a conflict", () => {
    expect(() => parse("--name x", { ETCD_NAME: "y" })).toThrow('conflicting environment variable "ETCD_NAME"');
  });

  test("that means nothing is said so", () => {
    const { warnings } = parse("", { ETCD_NO_SUCH: "1", ETCD_VERIFY: "all", ETCD_UNSUPPORTED_ARCH: "x" });
    expect(warnings.map(({ fields }) => fields["environment-variable"])).toEqual(["ETCD_NO_SUCH=1"]);
  });

  test("counts for nothing beside a configuration file", () => {
    expect(parse("--config-file f", { ETCD_NAME: "y" }).given("name")).toBe(false);
    expect(parse("--name x", { ETCD_NAME: "y", ETCD_CONFIG_FILE: "f" }).text("name")).toBe("x");
  });
});

describe("a configuration file", () => {
  const directory = mkdtempSync(join(tmpdir(), "etcd-config-"));
  afterEach(() => rmSync(directory, { recursive: true, force: true }));

  function read(text: string) {
    const file = join(mkdtempSync(join(tmpdir(), "etcd-config-")), "etcd.yml");
    writeFileSync(file, text);
    try {
      return readConfigFile(file);
    } finally {
      rmSync(join(file, ".."), { recursive: true });
    }
  }

  test("has the flags' names, and groups for certificates", () => {
    const flags = read(`
name: infra1
data-dir:
snapshot-count: 5000
strict-reconfig-check: false
listen-client-urls: http://10.0.0.1:2379,http://127.0.0.1:2379
log-outputs: [stderr, /var/log/etcd.log]
cipher-suites: [
  TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
  TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384
]
auto-compaction-retention: "1"
client-transport-security:
  cert-file: /c.pem
  client-cert-auth: true
peer-transport-security:
  cert-file: /p.pem
  allowed-cn: [a, b]
  allowed-hostname:
socket-options: { reuse-port: true }
feature-gates: CompactHashCheck=true
`);
    expect(flags.text("name")).toBe("infra1");
    expect(flags.given("data-dir")).toBe(false);
    expect(flags.number("snapshot-count")).toBe(5000);
    expect(flags.switch("strict-reconfig-check")).toBe(false);
    expect(flags.list("listen-client-urls")).toHaveLength(2);
    expect(flags.list("log-outputs")).toEqual(["stderr", "/var/log/etcd.log"]);
    expect(flags.list("cipher-suites")).toHaveLength(2);
    expect([flags.text("cert-file"), flags.text("peer-cert-file")]).toEqual(["/c.pem", "/p.pem"]);
    expect([flags.switch("client-cert-auth"), flags.switch("socket-reuse-port")]).toEqual([true, true]);
    expect(flags.list("peer-cert-allowed-cn")).toEqual(["a", "b"]);
    expect(flags.gate("CompactHashCheck")).toBe(true);
  });

  test("has times in nanoseconds, or as people write them", () => {
    const flags = read(
      "watch-progress-notify-interval: 600000000000\ncorrupt-check-time: 5s\nheartbeat-interval: 29\n",
    );
    expect(flags.duration("watch-progress-notify-interval")).toBe(600_000);
    expect(flags.duration("corrupt-check-time")).toBe(5000);
    expect(flags.number("heartbeat-interval")).toBe(29);
  });

  test("with a key that nobody knows is read all the same; with a wrong value it is not", () => {
    expect(read("nonsense: 1").warnings[0]?.fields.key).toBe("nonsense");
    expect(() => read("snapshot-count: many")).toThrow("snapshot-count");
    expect(() => read("peer-transport-security: yes")).toThrow("invalid peer-transport-security");
    expect(() => read("- a\n- b")).toThrow("no map");
  });
});

describe("a configuration that makes no sense is refused", () => {
  test.each([
    ["--listen-client-urls http://127.0.0.1:1", "--advertise-client-urls is required"],
    ["--listen-peer-urls http://example.com:1", "expected IP in URL for binding"],
    ["--listen-peer-urls 127.0.0.1:1", 'must be "host:port"'],
    ["--heartbeat-interval 300", "--election-timeout[1000ms] should be at least as 5 times"],
    ["--election-timeout 60000", "is too long"],
    ["--initial-cluster-state old", 'unexpected clusterState "old"'],
    ["--auto-compaction-mode hourly", 'unknown auto-compaction-mode "hourly"'],
    ["--auto-compaction-retention often", "error parsing auto-compaction-retention"],
    ["--initial-cluster a=http://x:1 --discovery-srv example.com", "multiple discovery or bootstrap flags are set"],
    ["--discovery-token t", "both --discovery-token and --discovery-endpoints must be set"],
    [
      "--feature-gates=LeaseCheckpoint=false,LeaseCheckpointPersist=true",
      "requires enabling feature gate LeaseCheckpoint",
    ],
    ["--feature-gates=CompactHashCheck=true --compact-hash-check-time=0s", "--compact-hash-check-time must be >0"],
  ])("%s", (words, why) => expect(() => memberOptions(parse(words))).toThrow(why));

  test("TLS versions and suites too", () => {
    expect(() => tlsLimits("TLS1.3", "", ["TLS_RSA_WITH_AES_128_CBC_SHA"])).toThrow("only TLS1.3 is enabled");
    expect(() => tlsLimits("TLS1.3", "TLS1.2", [])).toThrow("is greater than max version");
    expect(() => tlsLimits("TLS1.2", "", ["ROT13"])).toThrow('unexpected TLS cipher suite "ROT13"');
    expect(tlsLimits("TLS1.2", "", ["TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"]).ciphers).toContain(
      "ECDHE-RSA-AES128-GCM-SHA256",
    );
  });
});

describe("values go where they belong", () => {
  test("without any, they are etcd's defaults", () => {
    const options = memberOptions(parse(""));
    expect(options).toMatchObject({ name: "default", dataDir: "default.etcd", snapshotCount: 10_000, maxWals: 5 });
    expect([...options.initialCluster]).toEqual([["default", ["http://localhost:2380"]]]);
  });

  test("a name alone makes a cluster of that name", () => {
    const options = memberOptions(
      parse("--name a --initial-advertise-peer-urls http://127.0.0.1:1,http://127.0.0.1:2"),
    );
    expect([...options.initialCluster]).toEqual([["a", ["http://127.0.0.1:1", "http://127.0.0.1:2"]]]);
    expect(options.dataDir).toBe("a.etcd");
  });

  test.each([
    ["0", undefined],
    ["5", { mode: "periodic", retentionMs: 5 * 3_600_000 }],
    ["5m", { mode: "periodic", retentionMs: 300_000 }],
    ["0s", undefined],
  ])("auto-compaction-retention %s", (retention, expected) => {
    expect(memberOptions(parse(`--auto-compaction-retention ${retention}`)).autoCompaction).toEqual(expected);
  });

  test.each([
    ["", true],
    ["--feature-gates=LeaseCheckpoint=false", false],
    ["--experimental-enable-lease-checkpoint=false", false],
  ])("leases are checkpointed, or not: %j", (words, expected) => {
    expect(memberOptions(parse(words)).leaseCheckpoints).toBe(expected);
  });

  test("a retention of revisions", () => {
    const { autoCompaction } = memberOptions(parse("--auto-compaction-mode=revision --auto-compaction-retention=1000"));
    expect(autoCompaction).toEqual({ mode: "revision", retention: 1000 });
  });
});
