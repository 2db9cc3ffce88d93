import * as z from "zod";
import { regionSchema } from "../base/arn.ts";

/** An image reference: name, then a tag, a digest or both. */
export const imageSchema = z
  .string()
  .max(512)
  .regex(
    /^[a-z0-9][\w.-]*(:\d+)?(\/[a-z0-9][\w.-]*)*(:[\w][\w.-]{0,127})?(@sha256:[0-9a-f]{64})?$/,
    "an image reference",
  );

/** The same with `*` for some characters of a part: of the registry's host, of the path, of the tag, of the digest. */
const imagePatternSchema = z
  .string()
  .max(512)
  .regex(
    /^[a-z0-9*][\w.*-]*(:[\d*]+)?(\/[a-z0-9*][\w.*-]*)*(:[\w*][\w.*-]{0,127})?(@(\*|sha256:[0-9a-f*]{1,64}))?$/,
    "an image reference with * for characters of one part",
  );

/**
 * The largest task that Fargate has.
 * https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-tasks-services.html
 */
const MAX_MEMORY_MIB = 244 * 1024;
const MAX_CPU_UNITS = 32_768;

/** `ztunnel` in the configuration: its image, and the settings of its container. */
export const ztunnelSchema = z.strictObject({
  /** The fleet's image, until the parameter below has one. */
  image: imageSchema,
  /**
   * Images that a tag, an operator or the parameter may name; `*` stands for characters of one part, as in
   * `*.dkr.ecr.*.amazonaws.com/mesh/ztunnel:1.28.*`, and a path that ends with `/*` for any rest of it. Without a tag:
   * any tag and digest. Without it all: any image of the repository of `image`.
   */
  allowedImages: z.array(imagePatternSchema).min(1).optional(),
  /**
   * SSM parameter in the home region that holds the fleet's image: changing it requests an upgrade. Parameter Store
   * makes no other names: a path begins with a slash and has 15 levels at most, and `aws` and `ssm` are reserved.
   * https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_PutParameter.html
   */
  imageParameter: z
    .string()
    .regex(/^(?!\/?(aws|ssm))([\w.-]+|(\/[\w.-]+){1,15})$/i, "a parameter's name")
    .max(1011)
    .optional(),
  healthCheckCommand: z.array(z.string().min(1)).min(1).max(50).default(["ztunnel", "healthcheck"]),
  startTimeoutSeconds: z.int().min(2).max(120).default(120),
  /** Reserved for ztunnel on EC2 where the task definition has no memory of its own. */
  memoryReservationMiB: z.int().min(6).max(MAX_MEMORY_MIB).default(128),
  /** CPU units of ztunnel's container, as far as the task has them left. */
  cpu: z.int().nonnegative().max(MAX_CPU_UNITS).default(0),
  /** ztunnel's hard limit, where the task has room for it. */
  memoryMiB: z.int().min(6).max(MAX_MEMORY_MIB).optional(),
  user: z.string().min(1).optional(),
  readonlyRootFilesystem: z.boolean().optional(),
  stopTimeoutSeconds: z.int().min(2).max(120).optional(),
  /** Variables of ztunnel's container. */
  environment: z
    .record(z.string().regex(/^[A-Za-z_]\w*$/, "a variable's name"), z.string())
    .refine((variables) => !Object.hasOwn(variables, "BOOTSTRAP_TOKEN"), {
      message: "BOOTSTRAP_TOKEN is the autopilot's: it comes from a secret",
    })
    .optional(),
  /** For an image of a private registry: a secret, which the execution roles must be allowed to read. */
  repositoryCredentials: z.strictObject({ credentialsParameter: z.string().min(1) }).optional(),
  /** CloudWatch log groups by region, for ztunnel in tasks that have no log that it could use. */
  logs: z.record(regionSchema, z.string().regex(/^[\w./#-]{1,512}$/, "a log group's name")).optional(),
});

/** ECS refuses a limit below the reservation of the same container. */
export function memoryProblems({ memoryMiB, memoryReservationMiB }: z.output<typeof ztunnelSchema>): readonly string[] {
  if (memoryMiB === undefined || memoryMiB >= memoryReservationMiB) return [];
  return [`ztunnel.memoryMiB is less than ztunnel.memoryReservationMiB, which is ${memoryReservationMiB}`];
}
