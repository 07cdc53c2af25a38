import { join } from "node:path";
import type { Log } from "../base/mod.ts";
import { type MemberOptions, type PemFiles, type TlsOptions, watchedPems, watchedRevocations } from "../kvstore/mod.ts";
import type { EtcdArguments } from "./etcd-arguments.ts";
import { tlsLimits } from "./etcd-cipher-suites.ts";
import type { FlagName } from "./etcd-flags.ts";
import { ConfigError, dataDir, urlsOf } from "./etcd-options.ts";

/** The certificates of both sides. Rejects with a `Failure` if one cannot be read. */
export async function tlsOptions(
  flags: EtcdArguments,
  log: Log,
): Promise<Pick<MemberOptions, "clientTls" | "peerTls">> {
  return { clientTls: await sideOf(flags, "", log), peerTls: await sideOf(flags, "peer-", log) };
}

type Side = "" | "peer-";

async function sideOf(flags: EtcdArguments, side: Side, log: Log): Promise<TlsOptions | undefined> {
  const text = (name: string) => flags.text(`${side}${name}` as FlagName);
  const urls = listenUrls(flags, side);
  const files: PemFiles = {
    cert: text("cert-file"),
    key: text("key-file"),
    clientCert: flags.text(`${side}client-cert-file`),
    clientKey: flags.text(`${side}client-key-file`),
    ca: text("trusted-ca-file"),
  };
  const auto = flags.switch(`${side}auto-tls`);
  const given = files.cert !== "" || files.key !== "";
  warnOfPlainUrls(urls, side, given || flags.switch(`${side}client-cert-auth`), log);
  if (given && auto)
    log(
      "warn",
      side === "" ? "ignoring client auto TLS since certs given" : "ignoring peer auto TLS since certs given",
    );
  if (!given) return auto ? automatic(flags, side, urls, log) : undefined;
  if (files.cert === "" || files.key === "") {
    throw new ConfigError(`KeyFile and CertFile must both be present[key: ${files.key}, cert: ${files.cert}]`);
  }
  if ((files.clientCert === "") !== (files.clientKey === "")) {
    throw new ConfigError(
      `ClientKeyFile and ClientCertFile must both be present or both absent: key: ${files.clientKey}, cert: ${files.clientCert}]`,
    );
  }
  const current = watchedPems(files, log);
  const required = files.ca !== "" || flags.switch(`${side}client-cert-auth`);
  if (required && files.ca === "") {
    log("warn", "client certificates are compared with the authorities of the system: there is no trusted CA file");
  }
  return { ...current(), current, requireClientCertificate: required, ...(await rulesOf(flags, side)) };
}

async function rulesOf(flags: EtcdArguments, side: Side): Promise<Partial<TlsOptions>> {
  const crlFile = flags.text(side === "" ? "client-crl-file" : "peer-crl-file");
  const allowedHostnames = flags.list(side === "" ? "client-cert-allowed-hostname" : "peer-cert-allowed-hostname");
  const allowedCommonNames = side === "" ? [] : flags.list("peer-cert-allowed-cn");
  if (allowedHostnames.length > 0 && allowedCommonNames.length > 0) {
    const [cns, hostnames] = [allowedCommonNames, allowedHostnames].map((names) => JSON.stringify(names));
    throw new ConfigError(
      `AllowedCNs and AllowedHostnames are mutually exclusive (cns=${cns}, hostnames=${hostnames})`,
    );
  }
  return {
    ...limitsOf(flags),
    allowedHostnames,
    allowedCommonNames,
    checkAddress: side === "peer-" && !flags.switch("peer-skip-client-san-verification"),
    ...(crlFile !== "" && { revoked: await watchedRevocations(crlFile) }),
  };
}

function limitsOf(flags: EtcdArguments) {
  return tlsLimits(flags.text("tls-min-version"), flags.text("tls-max-version"), flags.list("cipher-suites"));
}

/** A certificate of its own for each member: they take one another's for what they are. */
async function automatic(flags: EtcdArguments, side: Side, urls: readonly string[], log: Log): Promise<TlsOptions> {
  const directory = join(dataDir(flags), "fixtures", side === "" ? "client" : "peer");
  const years = flags.number("self-signed-cert-validity");
  if (years < 1) throw new ConfigError("selfSignedCertValidity is invalid,it should be greater than 0");
  const { selfSigned } = await import("./etcd-self-signed.ts");
  const hosts = urls.map((url) => new URL(url).hostname.replace(/^\[|\]$/g, "")).filter((host) => host !== "");
  const current = watchedPems(await selfSigned(directory, hosts, years, log), log);
  return { ...current(), current, trustsAnyServer: true, ...limitsOf(flags) };
}

function listenUrls(flags: EtcdArguments, side: Side): readonly string[] {
  if (side === "peer-") return urlsOf(flags, "listen-peer-urls");
  return [...urlsOf(flags, "listen-client-urls"), ...urlsOf(flags, "listen-client-http-urls")];
}

function warnOfPlainUrls(urls: readonly string[], side: Side, hasFlags: boolean, log: Log): void {
  const [scheme, field] = side === "" ? ["http or unix", "client-url"] : ["HTTP", "peer-url"];
  for (const url of urls) {
    if (!hasFlags || !/^(http|unix):/.test(url)) continue;
    log("warn", `scheme is ${scheme} while key and cert files are present; ignoring key and cert files`, {
      [field]: url,
    });
  }
}
