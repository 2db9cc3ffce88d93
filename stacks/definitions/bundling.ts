/**
 * How the functions are bundled, as SST's `nodejs` takes it. On Lambda the credentials always are in the environment,
 * which is where the SDK looks first; the sources that it would load after that, for a person's machine, are left out.
 * They are a seventh of a bundle. https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html
 */
export const functionBundling = {
  minify: true,
  esbuild: {
    external: [
      "@aws-sdk/credential-provider-ini",
      "@aws-sdk/credential-provider-process",
      "@aws-sdk/credential-provider-sso",
      "@aws-sdk/credential-provider-web-identity",
    ],
  },
};
