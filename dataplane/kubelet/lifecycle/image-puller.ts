import type { Clock } from "../../../base/mod.ts";
import type { Container } from "../../../controlplane/api/mod.ts";
import { parseImageReference } from "../images/reference.ts";
import { credentialsFor } from "../images/registry/keyring.ts";
import { type AuthConfig, CriError, type Image, type ImageService } from "../runtime/cri.ts";
import { EventBackoff } from "./backoff.ts";
import { StartError } from "./start-error.ts";

export type ContainerEventSink = (type: "Normal" | "Warning", reason: string, message: string) => void;

/** Sees to it that a container's image is there, as its pull policy says (pkg/kubelet/images). */
export class ImagePuller {
  readonly #images: ImageService;
  readonly #clock: Clock;
  readonly #backoff: EventBackoff;
  /** When the last pull of an image for a pod failed, and how. */
  readonly #failures = new Map<string, { readonly atMs: number; readonly message: string }>();

  constructor(images: ImageService, clock: Clock) {
    this.#images = images;
    this.#clock = clock;
    this.#backoff = new EventBackoff(clock);
  }

  /**
   * `pullSecrets`: the texts of the pod's docker configurations, asked for when something is pulled. Rejects with StartError: InvalidImageName,
   * ErrImageNeverPull, ErrImagePull, ImagePullBackOff.
   */
  async ensure(
    uid: string,
    container: Pick<Container, "image" | "imagePullPolicy">,
    event: ContainerEventSink,
    pullSecrets: () => Promise<readonly string[]>,
  ): Promise<Image> {
    const image = container.image ?? "";
    const present = await this.#inspect(image, event);
    const policy = container.imagePullPolicy ?? "IfNotPresent";
    // Always asks for the newest state; of an image that the engine has built in, what is there is it.
    const builtIn = present !== undefined && !present.id.startsWith("sha256:");
    if (present !== undefined && (policy !== "Always" || builtIn)) {
      event("Normal", "Pulled", `Container image "${image}" already present on machine`);
      return present;
    }
    if (policy === "Never") {
      const message = `Container image "${image}" is not present with pull policy of Never`;
      event("Warning", "ErrImageNeverPull", message);
      throw new StartError("ErrImageNeverPull", message);
    }
    return this.#pull(`${uid}/${image}`, image, event, pullSecrets);
  }

  async #inspect(image: string, event: ContainerEventSink): Promise<Image | undefined> {
    const invalid = (why: string) => {
      const message = `Failed to apply default image tag "${image}": couldn't parse image name "${image}": ${why}`;
      event("Warning", "InspectFailed", message);
      return new StartError("InvalidImageName", message);
    };
    // Not every engine tells a name that is none from an image that it does not have.
    if (parseImageReference(image) === undefined) throw invalid("invalid reference format");
    try {
      return await this.#images.imageStatus(image);
    } catch (error) {
      if (!(error instanceof CriError) || error.code !== "InvalidArgument") throw error;
      throw invalid(error.message);
    }
  }

  async #pull(
    key: string,
    image: string,
    event: ContainerEventSink,
    pullSecrets: () => Promise<readonly string[]>,
  ): Promise<Image> {
    const failure = this.#failures.get(key);
    const waitMs = failure === undefined ? 0 : this.#backoff.remainingMs(key, failure.atMs);
    if (waitMs > 0) {
      event("Normal", "BackOff", `Back-off pulling image "${image}"`);
      const message = `Back-off pulling image "${image}": ErrImagePull: ${failure?.message}`;
      throw new StartError("ImagePullBackOff", message, waitMs);
    }
    event("Normal", "Pulling", `Pulling image "${image}"`);
    const startedAtMs = this.#clock.now();
    try {
      await this.#pullWithAny(image, credentialsFor(image, await pullSecrets()));
      const pulled = await this.#images.imageStatus(image);
      if (pulled === undefined) throw new Error(`image "${image}" is not there after it was pulled`);
      event("Normal", "Pulled", `Successfully pulled image "${image}" in ${this.#clock.now() - startedAtMs}ms`);
      this.#failures.delete(key);
      return pulled;
    } catch (error) {
      const { message } = error as Error;
      event("Warning", "Failed", `Failed to pull image "${image}": ${message}`);
      const atMs = this.#clock.now();
      this.#backoff.next(key, failure?.atMs ?? atMs);
      this.#failures.set(key, { atMs, message });
      throw new StartError("ErrImagePull", message, this.#backoff.remainingMs(key, atMs));
    }
  }

  /** With one credential after the other until one is taken, the most specific first; without any when there are none. */
  async #pullWithAny(image: string, credentials: readonly AuthConfig[]): Promise<void> {
    if (credentials.length === 0) {
      await this.#images.pullImage(image);
      return;
    }
    const failures: Error[] = [];
    for (const auth of credentials) {
      try {
        await this.#images.pullImage(image, auth);
        return;
      } catch (error) {
        failures.push(error as Error);
      }
    }
    if (failures.length === 1) throw failures[0];
    // As the original's aggregate: [a, b]
    throw new Error(`[${[...new Set(failures.map(({ message }) => message))].join(", ")}]`);
  }

  forget(uid: string): void {
    this.#backoff.forget(`${uid}/`);
    for (const key of this.#failures.keys()) if (key.startsWith(`${uid}/`)) this.#failures.delete(key);
  }
}
