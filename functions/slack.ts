import { secretsGateway } from "../shared/gateways/secrets.ts";
import { parseSlackCredentials, slackGateway } from "../shared/gateways/slack.ts";
import type { SlackCalls } from "../shared/slack/calls.ts";
import type { World } from "./world.ts";

/** The ops channel; its credentials are read from their secret once. */
export type Slack = () => Promise<SlackCalls>;

/** The channel of the configuration. `transport` is the lab's way to a Slack of its own. */
export function slackChannel(
  { config, clients }: Pick<World, "config" | "clients">,
  transport: { readonly fetch?: typeof globalThis.fetch; readonly slackApiUrl?: string } = {},
): Slack {
  let known: Promise<SlackCalls> | undefined;
  const connect = async () => {
    const { secretName, channel } = config.slack;
    const secrets = secretsGateway(clients.home);
    const credentials = parseSlackCredentials(await secrets.getSecretValue(secretName), secretName);
    return slackGateway({ credentials, channel, ...transport });
  };
  return async () => {
    known ??= connect();
    try {
      return await known;
    } catch (error) {
      known = undefined; // a secret that is put right later must be read again
      throw error;
    }
  };
}
