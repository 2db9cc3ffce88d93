/** Installs SST's components, which the types of stacks/ come from, unless they are there. */
import { ensurePlatform } from "./sst/platform.ts";

ensurePlatform();
