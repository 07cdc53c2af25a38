/** How a registry wants to be shown who asks (RFC 9110 §11.6.1, and the distribution project's token scheme). */
export interface Challenge {
  readonly scheme: "bearer" | "basic";
  readonly parameters: Readonly<Record<string, string>>;
}

/** The first challenge of a WWW-Authenticate header that is understood here. */
export function parseChallenge(header: string): Challenge | undefined {
  const match = /(?:^|,\s*)(bearer|basic)\b\s*(.*)$/i.exec(header);
  if (match === null) return undefined;
  const parameters: Record<string, string> = {};
  for (const [, name, quoted, bare] of (match[2] as string).matchAll(/([a-z_]+)=(?:"((?:[^"\\]|\\.)*)"|([^\s,]+))/gi))
    parameters[(name as string).toLowerCase()] = quoted?.replaceAll(/\\(.)/g, "$1") ?? (bare as string);
  return { scheme: (match[1] as string).toLowerCase() as Challenge["scheme"], parameters };
}
