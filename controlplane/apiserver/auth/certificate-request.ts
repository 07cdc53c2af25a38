/** What a certificate request asks to be called. */
export type RequestedSubject =
  | { readonly ok: true; readonly commonName: string; readonly organizations: readonly string[] }
  | { readonly ok: false; readonly error: string };

/** Reads a PKCS #10 request in PEM, and checks that whoever sent it has its key. */
export async function requestedSubject(pem: Uint8Array): Promise<RequestedSubject> {
  const text = Buffer.from(pem).toString("latin1");
  if (!/-----BEGIN (NEW )?CERTIFICATE REQUEST-----/.test(text))
    return { ok: false, error: "PEM block type must be CERTIFICATE REQUEST" };
  // Few servers ever see one, and the library is large. It needs the polyfill to be there first.
  await import("reflect-metadata");
  const [{ cryptoProvider, Pkcs10CertificateRequest }, { webcrypto }] = await Promise.all([
    import("@peculiar/x509"),
    import("node:crypto"),
  ]);
  cryptoProvider.set(webcrypto);
  try {
    const request = new Pkcs10CertificateRequest(text);
    if (!(await request.verify())) return { ok: false, error: "the signature does not match" };
    const { subjectName } = request;
    return {
      ok: true,
      commonName: subjectName.getField("CN")[0] ?? "",
      organizations: subjectName.getField("O"),
    };
  } catch (error) {
    return { ok: false, error: error instanceof Error ? error.message : String(error) };
  }
}
