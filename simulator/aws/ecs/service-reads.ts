import * as z from "zod";
import type { Operation } from "../../core/service.ts";
import { enums } from "../enums.ts";
import { ecsArn } from "./arns.ts";
import { invalidParameter } from "./errors.ts";
import { includeSchema, parseEcsInput } from "./input.ts";
import { hasNewValues, withNewDeploymentStatus } from "./new-values.ts";
import { pageByKey } from "./paging.ts";
import type { EcsParts } from "./parts.ts";
import { serviceView } from "./service-view.ts";

const MAX_DESCRIBED = 10;
const describeSchema = z.looseObject({
  cluster: z.string().optional(),
  services: z.array(z.string()),
  include: includeSchema,
});
const listSchema = z.looseObject({
  cluster: z.string().optional(),
  maxResults: z.number().optional(),
  nextToken: z.string().optional(),
  launchType: z.enum(enums.ecs.LaunchType).optional(),
  schedulingStrategy: z.enum(enums.ecs.SchedulingStrategy).optional(),
});

/** DescribeServices, ListServices. */
export function serviceReadOperations({ environment, store }: EcsParts): Record<string, Operation> {
  return {
    DescribeServices(input, context) {
      const { cluster: name, services, include } = parseEcsInput(describeSchema, input);
      if (services.length === 0) throw invalidParameter("Services cannot be empty.");
      if (services.length > MAX_DESCRIBED) {
        throw invalidParameter(`Services cannot have more than ${MAX_DESCRIBED} elements.`);
      }
      const scope = store.scope(context);
      const cluster = store.cluster(scope, name);
      const found = services.map((identifier) => ({ identifier, service: store.findServiceIn(cluster, identifier) }));
      const missing = found.filter(({ service }) => !service);
      return {
        services: found.flatMap(({ service }) => {
          if (!service) return [];
          const view = serviceView(service, include ?? []);
          return [hasNewValues(environment, service) ? withNewDeploymentStatus(view) : view];
        }),
        failures: missing.map(({ identifier }) => ({
          arn: identifier.startsWith("arn:") ? identifier : ecsArn(scope, `service/${cluster.name}/${identifier}`),
          reason: "MISSING",
        })),
      };
    },

    ListServices(input, context) {
      const { cluster: name, launchType, schedulingStrategy, ...request } = parseEcsInput(listSchema, input);
      const cluster = store.cluster(store.scope(context), name);
      const services = [...cluster.services.values()]
        .filter(({ status }) => status === "ACTIVE")
        .filter(({ settings }) => launchType === undefined || settings.launchType === launchType)
        .filter(
          ({ settings }) => schedulingStrategy === undefined || settings.schedulingStrategy === schedulingStrategy,
        );
      const limits = { defaultResults: 10, maxResults: 100 };
      const { items, nextToken } = pageByKey(services, ({ sequence }) => sequence, request, limits);
      return { serviceArns: items.map(({ arn }) => arn), ...(nextToken === undefined ? {} : { nextToken }) };
    },
  };
}
