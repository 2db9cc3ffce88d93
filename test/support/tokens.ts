import fc from "fast-check";
import type { BootstrapToken } from "../../shared/data-plane/ztunnel/bootstrap-token/token.ts";

export const token: BootstrapToken = {
  url: "https://istiod.example.com:15012",
  caCert: "-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n",
  namespace: "shop",
  serviceAccount: "web",
  platform: "ecs",
  network: "net",
  remote: true,
};

const text = fc.string({ unit: "grapheme", minLength: 1 });
/** Any token, also with texts that no mesh has. */
export const tokens: fc.Arbitrary<BootstrapToken> = fc.record({
  url: fc.webUrl(),
  caCert: text,
  namespace: text,
  serviceAccount: text,
  platform: fc.constantFrom("ecs", "ecs-ec2"),
  network: text,
  remote: fc.boolean(),
});
