type Labels = Readonly<Record<string, string>>;

/** A label selector in its text form: `a=b,c!=d,e in (f,g),h notin (i),j,!k`. */
export function matchesLabels(selector: string, labels: Labels): boolean {
  // Commas inside parentheses separate values, not requirements.
  return selector.split(/,(?![^(]*\))/).every((requirement) => matchesOne(requirement.trim(), labels));
}

function matchesOne(requirement: string, labels: Labels): boolean {
  if (requirement === "") return true;
  const set = /^(\S+)\s+(in|notin)\s*\((.*)\)$/.exec(requirement);
  if (set !== null) {
    const [, key = "", operator, values = ""] = set;
    const among = values
      .split(",")
      .map((value) => value.trim())
      .includes(labels[key] ?? "\0");
    return operator === "in" ? among : !among;
  }
  const [key = "", ...rest] = requirement.split(/!=|==|=/);
  if (rest.length > 0) return (labels[key.trim()] === rest.join("=").trim()) !== requirement.includes("!=");
  return requirement.startsWith("!") ? labels[requirement.slice(1)] === undefined : labels[requirement] !== undefined;
}

/** `spec.nodeName=a,status.phase!=Running`: a path that is absent equals the empty text. */
export function matchesFields(selector: string, object: unknown): boolean {
  return selector.split(",").every((requirement) => {
    if (requirement === "") return true;
    const [path = "", wanted = ""] = requirement.split(/!=|==|=/);
    let at: unknown = object;
    for (const step of path.split(".")) at = (at as Record<string, unknown> | undefined)?.[step];
    return (String(at ?? "") === wanted) !== requirement.includes("!=");
  });
}
