/// <reference path=".sst/platform/config.d.ts" />

// SST takes no import by a statement here.
export default $config({
  async app({ stage }) {
    const { stageSettings } = await import("./stacks/settings.ts");
    const { default: input } = await import("./autopilot.config.ts");
    const { parseConfig } = await import("./shared/config/config.ts");
    const { name, homeRegion, homeAccount } = parseConfig(input, stage);
    const { protect, removal } = stageSettings(stage);
    return {
      name,
      home: "aws",
      protect,
      removal,
      providers: { aws: { region: homeRegion, allowedAccountIds: [homeAccount] } },
    };
  },
  async run() {
    const { autopilot } = await import("./stacks/autopilot.ts");
    return autopilot();
  },
});
