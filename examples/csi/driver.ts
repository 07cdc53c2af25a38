// Usage: npm run csi-driver -- CLUSTER_DIRECTORY
// Runs the CSI driver of the test suite beside a cluster of this machine: a disk is a directory. Ctrl-C ends it, and its disks.
import { once } from "node:events";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { driverName, TestCsiDriver } from "../../test/support/csi-driver.ts";

const [cluster] = process.argv.slice(2);
if (cluster === undefined) {
  console.error("usage: npm run csi-driver -- CLUSTER_DIRECTORY");
  process.exit(2);
}
const nodes = join(cluster, "nodes");
const driver = new TestCsiDriver();
await driver.start(readdirSync(nodes).map((name) => ({ name, rootDir: join(nodes, name) })));
await driver.startControllers(join(cluster, "kubeconfig"));
console.log(`${driverName} is there`);
await Promise.race([once(process, "SIGINT"), once(process, "SIGTERM")]);
await driver.stop();
