import type { AuthConfig } from "../../runtime/cri.ts";
import { parseChallenge } from "./challenge.ts";
import { type Answer, ask, readDocument } from "./http.ts";
import type { Endpoint } from "./registry-config.ts";

/** The registry answered, but not with what was asked for. */
export class RegistryError extends Error {
  override readonly name = "RegistryError";
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** One repository at one endpoint, by the distribution protocol, version 2. Shows credentials only when the registry asks for them. */
export class Repository {
  readonly #endpoint: Endpoint;
  readonly #name: string;
  readonly #auth: AuthConfig | undefined;
  readonly #signal: AbortSignal | undefined;
  /** Value of the Authorization header, once the registry has said what it wants. */
  #authorization: string | undefined;

  /** `name` is the repository without its host, e.g. library/busybox. */
  constructor(endpoint: Endpoint, name: string, auth?: AuthConfig, signal?: AbortSignal) {
    this.#endpoint = endpoint;
    this.#name = name;
    this.#auth = endpoint.isOrigin ? auth : undefined;
    this.#signal = signal;
  }

  /** `path` is below the repository: manifests/latest, blobs/sha256:…. Rejects with RegistryError for any answer but those of success. */
  async get(path: string, headers: Readonly<Record<string, string>> = {}): Promise<Answer> {
    const url = `${this.#endpoint.base}/v2/${this.#name}/${path}`;
    let answer = await this.#ask(url, headers);
    if (answer.status === 401) {
      const challenge = answer.headers["www-authenticate"] ?? "";
      answer.body.destroy();
      this.#authorization = await this.#authorize(challenge);
      answer = await this.#ask(url, headers);
    }
    if (answer.status === 200 || answer.status === 206) return answer;
    const reason = await reasonOf(answer);
    throw new RegistryError(answer.status, `unexpected status from GET request to ${url}: ${answer.status}${reason}`);
  }

  #ask(url: string, headers: Readonly<Record<string, string>>): Promise<Answer> {
    const authorization: Record<string, string> =
      this.#authorization === undefined ? {} : { authorization: this.#authorization };
    return ask({
      method: "GET",
      url,
      headers: { "user-agent": "flotilla", ...headers, ...authorization },
      verifyTls: this.#endpoint.verifyTls,
      signal: this.#signal,
    });
  }

  async #authorize(header: string): Promise<string> {
    const challenge = parseChallenge(header);
    if (challenge === undefined)
      throw new RegistryError(401, `the registry asks for credentials in an unknown way: ${JSON.stringify(header)}`);
    const { registryToken } = this.#auth ?? {};
    if (registryToken !== undefined && registryToken !== "") return `Bearer ${registryToken}`;
    if (challenge.scheme === "bearer") return `Bearer ${await this.#fetchToken(challenge.parameters)}`;
    const basic = basicCredentials(this.#auth);
    if (basic === undefined) throw new RegistryError(401, "no basic auth credentials");
    return basic;
  }

  /** The token service named by the challenge decides; without credentials it may still give a token for what is public. */
  async #fetchToken(parameters: Readonly<Record<string, string>>): Promise<string> {
    const { realm, service } = parameters;
    if (realm === undefined || !URL.canParse(realm))
      throw new RegistryError(401, "the registry names no token service");
    const scope = parameters.scope ?? `repository:${this.#name}:pull`;
    const query = new URLSearchParams({ ...(service === undefined ? {} : { service }), scope });
    const basic = basicCredentials(this.#auth);
    const { identityToken = "" } = this.#auth ?? {};
    const common = { verifyTls: this.#endpoint.verifyTls, signal: this.#signal };
    const separator = realm.includes("?") ? "&" : "?";
    const answer =
      identityToken !== ""
        ? await ask({
            ...common,
            method: "POST",
            url: realm,
            headers: {},
            form: `${query}&grant_type=refresh_token&client_id=flotilla&refresh_token=${encodeURIComponent(identityToken)}`,
          })
        : await ask({
            ...common,
            method: "GET",
            url: `${realm}${separator}${query}`,
            headers: basic === undefined ? {} : { authorization: basic },
          });
    if (answer.status !== 200) {
      const reason = await reasonOf(answer);
      throw new RegistryError(answer.status, `failed to fetch a token from ${realm}: ${answer.status}${reason}`);
    }
    const document = JSON.parse((await readDocument(answer.body)).toString()) as {
      token?: string;
      access_token?: string;
    };
    const token = document.token ?? document.access_token;
    if (token === undefined) throw new RegistryError(401, `the token service ${realm} gave no token`);
    return token;
  }
}

function basicCredentials(auth: AuthConfig | undefined): string | undefined {
  const { username = "", password = "", auth: encoded = "" } = auth ?? {};
  if (username !== "") return `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`;
  return encoded === "" ? undefined : `Basic ${encoded}`;
}

/** What the registry says for itself: `: CODE: message` of its first error, if it gives one. */
async function reasonOf({ body }: Answer): Promise<string> {
  try {
    const document = JSON.parse((await readDocument(body)).toString()) as {
      errors?: { code?: string; message?: string }[];
    };
    const [first] = document.errors ?? [];
    return first === undefined ? "" : ` (${first.code}: ${first.message})`;
  } catch {
    return ""; // no JSON: the status says it all
  }
}
