import type { ContainerRequest, Problems } from "./request.ts";

/**
 * FireLens has both a log router and a container that logs through it.
 * https://docs.aws.amazon.com/AmazonECS/latest/developerguide/using_firelens.html
 */
export function* logRouterProblems(containers: readonly ContainerRequest[]): Problems {
  const isRouted = containers.some(({ logConfiguration }) => logConfiguration?.logDriver === "awsfirelens");
  const hasRouter = containers.some(({ firelensConfiguration }) => firelensConfiguration !== undefined);
  if (isRouted && !hasRouter)
    yield "When awsfirelens log driver is specified in log configuration, a firelens configuration object must be configured in one of the containers.";
  if (hasRouter && !isRouted)
    yield "When a firelensConfiguration object is specified, at least one container has to be configured with the awsfirelens log driver.";
}
