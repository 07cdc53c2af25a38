import type { FieldErrors } from "../field-errors.ts";

export function validateNoBacksteps(path: string, field: string, errors: FieldErrors): void {
  if (path.split("/").includes("..")) errors.invalid(field, path, "must not contain '..'");
}

/** A path that stays below where it is mounted. */
export function validateDescendingPath(path: string, field: string, errors: FieldErrors): void {
  if (path.startsWith("/")) errors.invalid(field, path, "must be a relative path");
  validateNoBacksteps(path, field, errors);
}

/** The same for files of a volume, where names that start with two dots are the kubelet's own. */
export function validateFilePath(path: string, field: string, errors: FieldErrors): void {
  validateDescendingPath(path, field, errors);
  if (path.startsWith("..") && path !== ".." && !path.startsWith("../")) {
    errors.invalid(field, path, "must not start with '..'");
  }
}
