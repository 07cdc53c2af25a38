/**
 * Replaces `$(NAME)` by the value of a variable; a name that is not known stays as it is written; `$$` is one `$` and protects what
 * follows (third_party/forked/golang/expansion). `$` before anything else is itself.
 */
export function expand(text: string, lookUp: (name: string) => string | undefined): string {
  let result = "";
  for (let at = 0; at < text.length; at++) {
    const char = text[at] as string;
    if (char !== "$" || at + 1 === text.length) {
      result += char;
      continue;
    }
    const next = text[at + 1];
    if (next === "$") {
      result += "$";
      at++;
    } else if (next === "(") {
      const end = text.indexOf(")", at + 2);
      if (end === -1) {
        result += "$(";
        at++;
        continue;
      }
      const name = text.slice(at + 2, end);
      result += lookUp(name) ?? `$(${name})`;
      at = end;
    } else result += char;
  }
  return result;
}
