import { defaultCronJob } from "../defaults/workloads.ts";
import { CronJob } from "../types/batch/cron-job.ts";
import { resource } from "./resource.ts";

export const cronJobs = resource<CronJob>(CronJob, {
  plural: "cronjobs",
  shortNames: ["cj"],
  categories: ["all"],
  scope: "Namespaced",
  status: true,
  hash: "sd5LIXh4Fjs=",
  strategy: { tracksGeneration: true, defaults: defaultCronJob },
});
