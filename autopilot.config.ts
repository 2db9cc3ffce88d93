import { defineConfig } from "./shared/config/config.ts";

/** Your mesh and your accounts. Every field is described in shared/config/config.ts and in the README. */
export default defineConfig({
  name: "ztunnel-autopilot",
  homeRegion: "us-east-1",
  homeAccount: "123456789012",
  // The same entries as in istiod's Helm values.
  accounts: [
    { role: "arn:aws:iam::123456789012:role/istiod-role", domain: "ecs.internal", regions: ["us-east-1"] },
    {
      role: "arn:aws:iam::210987654321:role/istiod-role",
      domain: "ecs.internal",
      regions: ["eu-west-1", "eu-central-1"],
    },
  ],
  controlPlanes: [
    {
      name: "mesh-us",
      eks: { cluster: "ambient-us", region: "us-east-1", account: "123456789012" },
      serves: [{ account: "123456789012", regions: ["us-east-1"] }],
    },
    {
      name: "mesh-eu",
      eks: { cluster: "ambient-eu", region: "eu-west-1", account: "210987654321" },
      serves: [{ account: "210987654321", regions: ["eu-west-1", "eu-central-1"] }],
    },
  ],
  ztunnel: { image: "us-docker.pkg.dev/soloio-img/istio/ztunnel:1.28.1-solo-distroless" },
  allowedNamespaces: ["istio-system", "ecs-*"],
  slack: { secretName: "ztunnel-autopilot-slack", channel: "#mesh-ops" },
});
