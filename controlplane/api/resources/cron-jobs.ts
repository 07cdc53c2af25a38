import { defaultCronJob } from "../defaults/workloads.ts";
import { cronJobColumns } from "../printers/workloads.ts";
import { CronJob } from "../types/batch/cron-job.ts";
import {
  cronJobWarnings,
  validateCronJob,
  validateCronJobCreate,
  validateCronJobUpdate,
} from "../validation/cron-job.ts";
import { resource } from "./resource.ts";

export const cronJobs = resource<CronJob>(CronJob, {
  plural: "cronjobs",
  shortNames: ["cj"],
  categories: ["all"],
  scope: "Namespaced",
  status: true,
  hash: "sd5LIXh4Fjs=",
  columns: cronJobColumns,
  strategy: {
    tracksGeneration: true,
    defaults: defaultCronJob,
    validate: validateCronJob,
    validateCreate: validateCronJobCreate,
    validateUpdate: validateCronJobUpdate,
    warnings: cronJobWarnings,
  },
});
