import { isTimeZone, parseCron } from "../cron/expression.ts";
import type { CronJob, CronJobSpec } from "../types/batch/cron-job.ts";
import type { JobSpec } from "../types/batch/job.ts";
import { validateNotNegative, validateOneOf } from "./common.ts";
import type { FieldErrors } from "./field-errors.ts";
import { validateJobSpec } from "./job.ts";

/** The names of its Jobs add 11 characters, and are values of labels, of at most 63. */
const maxNameLength = 52;

export function validateCronJobCreate({ metadata, spec }: CronJob, errors: FieldErrors): void {
  if (metadata.name.length > maxNameLength) {
    errors.invalid("metadata.name", metadata.name, `must be no more than ${maxNameLength} characters`);
  }
  if (namesZone(spec)) {
    errors.invalid("spec.schedule", spec.schedule, "cannot use TZ or CRON_TZ in schedule, use timeZone field instead");
  }
}

/** Objects from before `timeZone` may go on naming the zone in their schedule. */
export function validateCronJobUpdate(next: CronJob, old: CronJob, errors: FieldErrors): void {
  if (!namesZone(next.spec)) return;
  const rule = namesZone(old.spec)
    ? "cannot use both timeZone field and TZ or CRON_TZ in schedule"
    : "cannot use TZ or CRON_TZ in schedule, use timeZone field instead";
  if (!namesZone(old.spec) || next.spec.timeZone !== undefined)
    errors.invalid("spec.schedule", next.spec.schedule, rule);
}

export function cronJobWarnings({ spec }: CronJob): string[] {
  if (!namesZone(spec)) return [];
  const docs = "https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/";
  return [`CRON_TZ or TZ used in schedule is not officially supported, see ${docs} for more details`];
}

function namesZone({ schedule }: CronJobSpec): boolean {
  return schedule.includes("TZ");
}

export function validateCronJob({ spec }: CronJob, errors: FieldErrors): void {
  if (spec.schedule === "") errors.required("spec.schedule");
  else {
    const parsed = parseCron(spec.schedule);
    if (!parsed.ok) errors.invalid("spec.schedule", spec.schedule, parsed.error);
  }
  validateNotNegative(spec.startingDeadlineSeconds, "spec.startingDeadlineSeconds", errors);
  validateTimeZone(spec.timeZone, errors);
  validateOneOf(spec.concurrencyPolicy, ["Allow", "Forbid", "Replace"], "spec.concurrencyPolicy", errors);
  if (spec.jobTemplate.spec !== undefined) validateJobTemplate(spec.jobTemplate.spec, errors);
  validateNotNegative(spec.successfulJobsHistoryLimit, "spec.successfulJobsHistoryLimit", errors);
  validateNotNegative(spec.failedJobsHistoryLimit, "spec.failedJobsHistoryLimit", errors);
}

function validateTimeZone(zone: string | undefined, errors: FieldErrors): void {
  const field = "spec.timeZone";
  if (zone === undefined) return;
  if (zone === "") errors.invalid(field, zone, "timeZone must be nil or non-empty string");
  else if (zone.toLowerCase() === "local") {
    const rule = "timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones";
    errors.invalid(field, zone, rule);
  } else if (!isTimeZone(zone)) errors.invalid(field, zone, `unknown time zone ${zone}`);
}

/** What of a Job can be said before there is one: its selector, above all, cannot. */
function validateJobTemplate(spec: JobSpec, errors: FieldErrors): void {
  const field = "spec.jobTemplate.spec";
  validateJobSpec(spec, field, errors);
  if (spec.selector !== undefined)
    errors.invalid(`${field}.selector`, spec.selector, "`selector` will be auto-generated");
  if (spec.manualSelector) errors.notSupported(`${field}.manualSelector`, spec.manualSelector, ["nil", "false"]);
}
