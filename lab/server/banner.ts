import type { Config } from "../../shared/config/config.ts";
import type { Fleet } from "../fleet/fleet.ts";

interface Place {
  readonly account: string;
  readonly region: string;
}

/** What `npm run lab` prints once it serves: lines for a shell, for every account and region of the configuration. */
export function banner(endpoint: string, config: Config, fleet: Fleet | undefined, speed: number): string {
  const home = { account: config.homeAccount, region: config.homeRegion };
  const others = config.accounts
    .flatMap(({ role, regions }) => regions.map((region) => ({ account: role.split(":")[4] ?? "", region })))
    .filter(({ account, region }) => account !== home.account || region !== home.region);
  return [
    `lab ready at ${endpoint}, ${speed} lab seconds to a real one; Ctrl-C ends it`,
    "",
    "Paste into a shell, to use the AWS CLI or an SDK:",
    "",
    exportLine(endpoint, home),
    ...others.flatMap((place) => [
      "",
      `Or, for account ${place.account} in ${place.region}:`,
      "",
      exportLine(endpoint, place),
    ]),
    "",
    "Then, for example:",
    "",
    ...examples(endpoint, config, fleet).map((line) => `  ${line}`),
    "",
  ].join("\n");
}

/** The AWS CLI's version 1 reads AWS_DEFAULT_REGION, version 2 and the SDKs read AWS_REGION. */
function exportLine(endpoint: string, { account, region }: Place): string {
  const variables = {
    AWS_ENDPOINT_URL: endpoint,
    AWS_ACCESS_KEY_ID: account,
    AWS_SECRET_ACCESS_KEY: "lab",
    AWS_REGION: region,
    AWS_DEFAULT_REGION: region,
  };
  const pairs = Object.entries(variables).map(([name, value]) => `${name}=${value}`);
  return `  export ${pairs.join(" ")}`;
}

function examples(endpoint: string, config: Config, fleet: Fleet | undefined): readonly string[] {
  const isHome = ({ account, region }: Place) => account === config.homeAccount && region === config.homeRegion;
  const service = fleet?.services.find(isHome);
  const slack = `curl -s ${endpoint}/_lab/slack`;
  if (!service) return ["aws ecs create-cluster --cluster-name demo", "aws sts get-caller-identity", slack];
  const { account, region, cluster, name } = service;
  const arn = `arn:aws:ecs:${region}:${account}:service/${cluster}/${name}`;
  return [
    `aws ecs list-services --cluster ${cluster}`,
    `aws ecs tag-resource --resource-arn ${arn} --tags key=${config.enrollTagKey},value=true`,
    slack,
  ];
}
