import fc from "fast-check";
import {
  pinnedValueFrom,
  secretName,
  versionIdOf,
} from "../../shared/data-plane/ztunnel/bootstrap-token/secret-version.ts";
import type { BootstrapToken } from "../../shared/data-plane/ztunnel/bootstrap-token/token.ts";
import type { TagRequest } from "../../shared/enrollment/decision.ts";
import { desiredToken } from "../../shared/enrollment/desired.ts";
import { secretArn } from "./arns.ts";
import { facts } from "./services.ts";

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

/** The `valueFrom` of the token that a service with these tags starts from. */
export function valueFromOf(request: TagRequest): string {
  const token = desiredToken(request, facts);
  return pinnedValueFrom(secretArn(secretName(token)), versionIdOf(token));
}
