import { secretsGateway } from "../shared/gateways/aws/secrets.ts";
import { parseSlackCredentials, slackGateway } from "../shared/gateways/slack/slack.ts";
import { type SlackCalls, SlackUnavailable } from "../shared/slack/calls.ts";
import type { FunctionContext } from "./context.ts";

/** The ops channel; its credentials are read from their secret once, and again after Slack has refused them. */
export type Slack = () => Promise<SlackCalls>;

/** The channel of the configuration. `transport` is the lab's way to a Slack of its own. */
export function slackChannel(
  { config, clients }: Pick<FunctionContext, "config" | "clients">,
  transport: { readonly fetch?: typeof globalThis.fetch; readonly slackApiUrl?: string } = {},
): Slack {
  let known: Promise<SlackCalls> | undefined;
  const connect = async () => {
    const { secretName, channel } = config.slack;
    const secrets = secretsGateway(clients.home);
    const credentials = parseSlackCredentials(
      await secrets.getSecretValue(secretName, "invalid-slack-secret"),
      secretName,
    );
    return forgetful(slackGateway({ credentials, channel, ...transport }));
  };
  /** The next call reads credentials again that Slack has refused: somebody may be replacing them. */
  const forgetful = ({ updates, postMessage, updateMessage }: SlackCalls): SlackCalls => {
    const forgetting = (error: unknown): never => {
      if (error instanceof SlackUnavailable && error.isUnauthorized) known = undefined;
      throw error;
    };
    return {
      updates,
      postMessage: (...args) => postMessage(...args).catch(forgetting),
      updateMessage: (...args) => updateMessage(...args).catch(forgetting),
    };
  };
  return async () => {
    known ??= connect();
    try {
      return await known;
    } catch (error) {
      known = undefined; // a secret that is corrected later must be read again
      throw error;
    }
  };
}
