import type { Random } from "../../../base/mod.ts";

// No vowels and no look-alikes, so that no words come out.
const alphabet = "bcdfghjklmnpqrstvwxz2456789";
const tailLength = 5;
const maxBaseLength = 63 - tailLength;

/** A name for metadata.generateName: the base, cut if need be, and five random characters. */
export function generateName(base: string, random: Random): string {
  return base.slice(0, maxBaseLength) + randomSuffix(tailLength, random);
}

export function randomSuffix(length: number, random: Random): string {
  let suffix = "";
  for (let i = 0; i < length; i++) suffix += alphabet[random.below(alphabet.length)];
  return suffix;
}
