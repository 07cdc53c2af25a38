import { describe, expect, test } from "vitest";
import { clusterOfDomain, type Dns } from "./etcd-discovery.ts";

/** A DNS with the SRV records and addresses that are given. */
function dnsWith(
  records: Readonly<Record<string, readonly { name: string; port: number }[]>>,
  hosts: Readonly<Record<string, string>>,
): Dns {
  return {
    async srv(name) {
      const found = records[name];
      if (found === undefined) throw new Error(`querySrv ENOTFOUND ${name}`);
      return found;
    },
    addresses: async (host) => (hosts[host] === undefined ? [] : [hosts[host]]),
  };
}

const silent = () => undefined;
const hosts = { "e1.example.com": "10.0.0.1", "e2.example.com": "10.0.0.2", "e3.example.com": "10.0.0.3" };
const three = Object.keys(hosts).map((name) => ({ name, port: 2380 }));

describe("a cluster in the DNS", () => {
  test("has its members in SRV records; a member finds itself by its advertised address", async () => {
    const dns = dnsWith({ "_etcd-server._tcp.example.com": three }, hosts);
    const self = { name: "second", advertisePeerUrls: ["http://10.0.0.2:2380"] };
    expect([...(await clusterOfDomain("example.com", "", self, silent, dns))]).toEqual([
      ["0", ["http://e1.example.com:2380"]],
      ["second", ["http://e2.example.com:2380"]],
      ["2", ["http://e3.example.com:2380"]],
    ]);
  });

  test("may be found with TLS, and under a name with a suffix", async () => {
    const dns = dnsWith({ "_etcd-server-ssl-blue._tcp.example.com": three }, hosts);
    const self = { name: "a", advertisePeerUrls: ["https://e1.example.com:2380"] };
    const found = await clusterOfDomain("example.com", "blue", self, silent, dns);
    expect(found.get("a")).toEqual(["https://e1.example.com:2380"]);
  });

  test("that does not know this member is not joined, nor one that is not there", async () => {
    const self = { name: "a", advertisePeerUrls: ["http://10.9.9.9:2380"] };
    const known = dnsWith({ "_etcd-server._tcp.example.com": three }, hosts);
    await expect(clusterOfDomain("example.com", "", self, silent, known)).rejects.toThrow(
      'cannot find local etcd member "a"',
    );
    await expect(clusterOfDomain("example.com", "", self, silent, dnsWith({}, {}))).rejects.toThrow("ENOTFOUND");
  });
});
