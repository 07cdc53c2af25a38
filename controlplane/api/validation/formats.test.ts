import { describe, expect, test } from "vitest";
import { isCIDR, isDNS1123Label, isEnvVarName, isIP, isPercent, isPortName, isQualifiedName } from "./formats.ts";

const cases: [string, (value: string) => string[], string[], string[]][] = [
  [
    "IP addresses",
    isIP,
    ["10.0.0.1", "::", "::1", "fd00::1:2", "1:2:3:4:5:6:7:8", "::ffff:10.0.0.1"],
    ["10.0.0", "10.0.0.256", "01.2.3.4", "1::2::3", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "::12345", ""],
  ],
  [
    "CIDRs",
    isCIDR,
    ["10.0.0.0/8", "fd00::/64", "0.0.0.0/0"],
    ["10.0.0.0", "10.0.0.0/33", "10.0.0.0/8/8", "fd00::/129"],
  ],
  ["labels", isDNS1123Label, ["a", "1-a", "a".repeat(63)], ["", "A", "-a", "a-", "a.b", "a".repeat(64)]],
  ["port names", isPortName, ["http", "8080-tcp"], ["", "HTTP", "8080", "a--b", "-a", "a".repeat(16)]],
  [
    "qualified names",
    isQualifiedName,
    ["app", "example.com/app", "A_b.c"],
    ["", "/app", "a/b/c", "example.com/", "Example.com/a", "-a"],
  ],
  ["names of variables", isEnvVarName, ["PATH", "my.var", "1st", "with space"], ["", "a=b", "é"]],
  ["percentages", isPercent, ["0%", "100%"], ["10", "%", "-1%", "1.5%"]],
];

describe.each(cases)("%s", (_, complaintsAbout, good, bad) => {
  test.each(good)("%j is one", (value) => expect(complaintsAbout(value)).toEqual([]));
  test.each(bad)("%j is none", (value) => expect(complaintsAbout(value)).not.toEqual([]));
});
