import type { Context } from "./context.ts";

/** The parameter that holds the fleet's image, if the configuration names one. Operators change its value, not we. */
export function imageParameter({ config }: Context): void {
  const { imageParameter: name, image } = config.ztunnel;
  if (name === undefined) return;
  new aws.ssm.Parameter(
    "ZtunnelImage",
    { name, type: "String", value: image, description: "The fleet's ztunnel image: changing it rolls the fleet." },
    { ignoreChanges: ["value"] },
  );
}
