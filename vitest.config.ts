import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts", "simulator/test/**/*.test.ts"],
    // Tests run in virtual time, so that a limit only ends what never ends: a slow machine must not reach it.
    testTimeout: 180_000,
    hookTimeout: 120_000,
    // Vitest leaves one core to itself: on two cores that would be half of the machine.
    maxWorkers: 2,
    // The files of a worker share its modules: to evaluate them again for each takes a third of the time. So a test
    // must leave no state in a module.
    isolate: false,
  },
});
