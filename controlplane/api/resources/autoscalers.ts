import { autoscalerFromV1, autoscalerToV1 } from "../autoscaling/versions.ts";
import { defaultHorizontalPodAutoscaler, defaultHorizontalPodAutoscalerV1 } from "../defaults/autoscaling.ts";
import { horizontalPodAutoscalerColumns } from "../printers/autoscaling.ts";
import { HorizontalPodAutoscaler as HorizontalPodAutoscalerV1 } from "../types/autoscaling/v1.ts";
import { HorizontalPodAutoscaler } from "../types/autoscaling/v2.ts";
import { validateHorizontalPodAutoscaler } from "../validation/autoscaler.ts";
import { resource } from "./resource.ts";

const names = {
  plural: "horizontalpodautoscalers",
  shortNames: ["hpa"],
  categories: ["all"],
  scope: "Namespaced",
  status: true,
  hash: "qwQve8ut294=",
} as const;

export const horizontalPodAutoscalers = resource<HorizontalPodAutoscaler>(HorizontalPodAutoscaler, {
  ...names,
  columns: horizontalPodAutoscalerColumns,
  strategy: {
    defaults: defaultHorizontalPodAutoscaler,
    prepareForCreate: (autoscaler) => {
      autoscaler.status = { desiredReplicas: 0 };
    },
    validate: validateHorizontalPodAutoscaler,
  },
});

/** The same objects as version 1 showed them; stored as version 2. */
export const horizontalPodAutoscalersV1 = resource<HorizontalPodAutoscalerV1>(HorizontalPodAutoscalerV1, {
  ...names,
  columns: horizontalPodAutoscalerColumns.map((shown) => ({
    ...shown,
    cell: (autoscaler, now) => shown.cell(autoscalerFromV1(autoscaler), now),
  })),
  strategy: {
    defaults: defaultHorizontalPodAutoscalerV1,
    prepareForCreate: (autoscaler) => {
      autoscaler.status = { currentReplicas: 0, desiredReplicas: 0 };
    },
    validate: (autoscaler, errors) => validateHorizontalPodAutoscaler(autoscalerFromV1(autoscaler), errors),
  },
  storedAs: {
    resource: horizontalPodAutoscalers,
    toStorage: autoscalerFromV1,
    fromStorage: (stored) => autoscalerToV1(stored as HorizontalPodAutoscaler),
  },
});
