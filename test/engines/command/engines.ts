import { asl } from "../asl/engine.ts";
import { botocore } from "../botocore/engine.ts";
import type { Engine } from "../engine.ts";
import { eventRuler } from "../event-ruler/engine.ts";
import { kubeApiserver } from "../kube-apiserver/engine.ts";
import { linters } from "../linters/engine.ts";
import { ministack } from "../ministack/engine.ts";
import { moto } from "../moto/engine.ts";

/** All engines, in the order in which they are installed and compared. */
export const engines: readonly Engine[] = [botocore, eventRuler, asl, ministack, linters, moto, kubeApiserver];
