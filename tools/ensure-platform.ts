/** Installs SST's components unless they are installed. The types of stacks/ come from them. */
import { ensurePlatform } from "./sst/platform.ts";

ensurePlatform();
