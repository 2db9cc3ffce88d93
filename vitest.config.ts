import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts", "simulator/test/**/*.test.ts"],
    testTimeout: 30_000,
    // Vitest leaves one core to itself: on two cores that would be half of the machine.
    maxWorkers: 2,
  },
});
