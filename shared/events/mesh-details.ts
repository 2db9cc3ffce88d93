import * as z from "zod";
import { text, version } from "./fields.ts";

/* Details of the events about a control plane's view of the mesh. */

/** `Mesh Shape Unknown`: no WorkloadEntry has a mark that proves a task. */
export const meshShapeUnknownDetail = () =>
  z.strictObject({ version, controlPlane: z.string(), mark: z.string(), seen: text });
