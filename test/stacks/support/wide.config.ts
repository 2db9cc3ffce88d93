import { defineConfig } from "../../../shared/config/config.ts";

/** A configuration with every feature: several regions and accounts, both kinds of control planes, a VPC. */
export default defineConfig({
  name: "mesh-pilot",
  homeRegion: "us-east-1",
  homeAccount: "111111111111",
  accounts: [
    { role: "arn:aws:iam::111111111111:role/istiod", domain: "a.internal", regions: ["eu-west-1", "us-west-2"] },
    { role: "arn:aws:iam::222222222222:role/istiod", domain: "b.internal", regions: ["eu-west-1", "us-east-1"] },
    { role: "arn:aws:iam::333333333333:role/istiod", domain: "c.internal", regions: ["ap-southeast-2"] },
  ],
  memberRoleName: "platform/mesh-pilot-member",
  operatorRoles: [
    "arn:aws:iam::111111111111:role/aws-reserved/sso.amazonaws.com/AWSReservedSSO_MeshOps_0123456789abcdef",
  ],
  passRoles: ["ecs/*", "ecsTaskExecutionRole"],
  vpc: { subnetIds: ["subnet-0a", "subnet-0b"], securityGroupIds: ["sg-0a"] },
  controlPlanes: [
    {
      name: "mesh-home",
      eks: { cluster: "ambient-home", region: "us-east-2", account: "111111111111" },
      serves: [{ account: "111111111111", regions: ["eu-west-1", "us-west-2"] }],
    },
    {
      name: "mesh-shared",
      eks: { cluster: "ambient-shared", region: "eu-central-1", account: "444444444444" },
      serves: [{ account: "222222222222", regions: ["eu-west-1", "us-east-1"] }],
    },
    {
      name: "mesh-elsewhere",
      kubeconfigSecret: "mesh-elsewhere-kubeconfig",
      serves: [{ account: "333333333333", regions: ["ap-southeast-2"] }],
    },
  ],
  ztunnel: { image: "registry.example.com/ztunnel:1.28.1", imageParameter: "/mesh/ztunnel-image" },
  policy: {
    rollout: { alarms: [{ name: "checkout-errors" }, { name: "far", account: "222222222222", region: "eu-west-1" }] },
  },
  allowedNamespaces: ["*"],
  slack: { secretName: "ops/slack", channel: "#mesh-ops" },
});
