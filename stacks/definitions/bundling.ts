/**
 * How the functions are bundled: SST's `nodejs`. The packages that are left out are loaded by an `import()` that never
 * runs on Lambda. They would be a fifth of a bundle and a quarter of the start: esbuild wraps all that such an import
 * shares with the rest of the SDK, so that it can be loaded late.
 */
export const functionBundling = {
  minify: true,
  esbuild: {
    external: [
      // Credentials always are in the environment, where the SDK looks first:
      // https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html
      "@aws-sdk/credential-provider-http",
      "@aws-sdk/credential-provider-ini",
      "@aws-sdk/credential-provider-process",
      "@aws-sdk/credential-provider-sso",
      "@aws-sdk/credential-provider-web-identity",
      "@smithy/credential-provider-imds",
      // For operations that answer with a stream of events: the autopilot calls none.
      "@smithy/core/event-streams",
    ],
  },
};
