import type { JsonObject } from "../../../../shared/base/json.ts";
import { type Cluster, tokens } from "../cluster/cluster.ts";
import { attempted } from "../cluster/outcomes.ts";
import { accepted, planeOf } from "../cluster/worlds.ts";
import {
  acting,
  BINDING,
  bindingOf,
  binds,
  creates,
  deletes,
  deletesAt,
  empties,
  identityOf,
  labels,
  namespaceOf,
  remove,
  reset,
  restores,
  unbinds,
} from "./actors.ts";
import type { Check, CheckChapter } from "./check.ts";
import { type Act, type Ended, interleaved, ordersOf } from "./interleave.ts";

const ROLES = ["arn:aws:iam::111111111111:role/a", "arn:aws:iam::111111111111:role/b"];
const [OWNER = "", OTHER = ""] = ROLES;
/** A read, a write, and the read that shows whose write counts. */
const BIND = 3;
const ONE = 1;

/** Several who write one service account at the same time, in every order of their requests. */
export const racesChapter: CheckChapter = {
  name: "races",
  checks: [
    race("two roles create an account", { before: undefined, counts: [BIND, BIND] }),
    race("two roles bind an account without annotations", { before: {}, counts: [BIND, BIND] }),
    race("two roles bind an account with an empty binding", { before: { [BINDING]: "" }, counts: [BIND, BIND] }),
    race("two roles bind an account that Helm keeps", { before: { team: "shop" }, counts: [BIND, BIND] }),
    race("the same while somebody creates the account", {
      before: undefined,
      counts: [BIND, BIND, ONE],
      third: { act: creates, changes: "nothing" },
    }),
    race("the same while somebody deletes it", {
      before: {},
      counts: [BIND, BIND, ONE],
      third: { act: deletes, changes: "binding" },
    }),
    race("the same while somebody labels it", {
      before: {},
      counts: [BIND, BIND, ONE],
      third: { act: labels, changes: "nothing" },
    }),
    race("the same while somebody empties the binding", {
      before: {},
      counts: [BIND, BIND, ONE],
      third: { act: empties, changes: "binding" },
    }),
    ...others(),
  ],
};

interface Race {
  /** The account's annotations before; undefined for an account that does not exist. */
  readonly before: JsonObject | undefined;
  readonly counts: readonly number[];
  /** Somebody else, and what that changes of who is bound. */
  readonly third?: { readonly act: (cluster: Cluster) => Act; readonly changes: "nothing" | "binding" };
}

/** Both roles want the account: one of them gets it, the other is refused. */
function race(what: string, { before, counts, third }: Race): Check {
  const orders = ordersOf(counts);
  return {
    what: `${what}: ${orders.length} orders`,
    expected: "one role has it, the other is refused",
    play: async (cluster) => {
      for (const order of orders) {
        await reset(cluster, before);
        const acts = [...ROLES.map((roleArn) => binds(cluster, roleArn)), ...(third ? [third.act(cluster)] : [])];
        const ended = await interleaved(acts, order);
        const wrong = problemOf(ended, await bindingOf(cluster), third?.changes === "binding");
        if (wrong !== undefined) return `${order.join("")}: ${wrong}`;
      }
      return "one role has it, the other is refused";
    },
  };
}

/** What is wrong with the end of a race. After a binding was taken away, both may have had it, one after the other. */
function problemOf(
  [one, other, third]: readonly Ended[],
  bound: string | undefined,
  isTakenAway: boolean,
): string | undefined {
  const seen = `${one?.outcome} / ${other?.outcome}, bound to ${bound ?? "nobody"}`;
  const winners = [one, other].map((ended) => ended?.outcome === "done");
  const losers = [one, other].filter((ended) => ended?.outcome.startsWith("control-plane-refused:"));
  if (winners.filter(Boolean).length + losers.length !== 2) return seen;
  if (!winners.includes(true)) return seen;
  const holder = ROLES.indexOf(bound ?? "");
  if (bound !== undefined && winners[holder] !== true) return seen;
  const lastStep = Math.max(one?.atStep ?? 0, other?.atStep ?? 0);
  const mayBeNobodys = isTakenAway && (third?.atStep ?? 0) > Math.min(...stepsOfWinners([one, other]));
  if (bound === undefined && !mayBeNobodys) return seen;
  const both = winners.every(Boolean);
  const wasBetween = isTakenAway && (third?.atStep ?? 0) < lastStep;
  return both && !wasBetween ? seen : undefined;
}

function stepsOfWinners(ended: readonly (Ended | undefined)[]): readonly number[] {
  return ended.flatMap((one) => (one?.outcome === "done" ? [one.atStep] : []));
}

function others(): readonly Check[] {
  return [
    {
      what: "a role is unbound while another one asks for the account",
      expected: "never bound to the one that has left",
      play: async (cluster) => {
        for (const order of ordersOf([BIND, BIND])) {
          await reset(cluster, { [BINDING]: OWNER });
          const [left, asked] = await interleaved([unbinds(cluster, OWNER), binds(cluster, OTHER)], order);
          const bound = await bindingOf(cluster);
          const wasRefused = asked?.outcome.startsWith("control-plane-refused:") && bound === undefined;
          const hasIt = asked?.outcome === "done" && bound === OTHER;
          if (left?.outcome !== "done" || !(wasRefused || hasIt))
            return `${order.join("")}: ${left?.outcome} / ${asked?.outcome}, bound to ${bound ?? "nobody"}`;
        }
        return "never bound to the one that has left";
      },
    },
    {
      what: "a binding that somebody has removed is seen and given back, while others change the account",
      expected: OWNER,
      play: async (cluster) => {
        for (const order of ordersOf([BIND + ONE, ONE])) {
          await reset(cluster, {});
          const [restored] = await interleaved([restores(cluster, OWNER), labels(cluster)], order);
          const bound = await bindingOf(cluster);
          if (restored?.outcome !== "done" || bound !== OWNER)
            return `${order.join("")}: ${restored?.outcome}, bound to ${bound ?? "nobody"}`;
        }
        return OWNER;
      },
    },
    {
      what: "the namespace begins to be deleted between the read and the write",
      expected: /^control-plane-busy: .*being terminated/,
      play: async (cluster) => {
        const name = "leaves";
        await accepted(cluster, { method: "POST", path: "/api/v1/namespaces", body: namespaceOf(name) });
        const identity = { namespace: name, serviceAccount: "web", roleArn: OWNER };
        const act = acting(cluster, (plane) => plane.ensureServiceAccount(identity));
        const [bound] = await interleaved([act, deletesAt(cluster, `/api/v1/namespaces/${name}`)], [0, 1, 0, 0]);
        return bound?.outcome ?? "";
      },
    },
    {
      what: "the account is removed each time after it was bound",
      expected: /^control-plane-busy: .*again and again/,
      play: async (cluster) => {
        await reset(cluster, undefined);
        let requests = 0;
        const token = async () => {
          requests += 1;
          // Before the read that is to show the binding.
          if (requests > 1 && requests % 2 === 1) await remove(cluster);
          return tokens.autopilot;
        };
        return attempted(() => planeOf(cluster, { token }).ensureServiceAccount(identityOf(OWNER)));
      },
    },
    {
      what: "one hundred at the same time, in the server's own order",
      expected: "1 has it, 99 are refused",
      play: async (cluster) => {
        await reset(cluster, undefined);
        const roles = Array.from({ length: 100 }, (_, index) => `arn:aws:iam::111111111111:role/r${index}`);
        const ends = await Promise.all(
          roles.map((roleArn) => attempted(() => planeOf(cluster).ensureServiceAccount(identityOf(roleArn)))),
        );
        const bound = roles.indexOf((await bindingOf(cluster)) ?? "");
        const refused = ends.filter((end) => end.startsWith("control-plane-refused:")).length;
        const has = ends.filter((end, index) => end === "done" && index === bound).length;
        return `${has} has it, ${refused} are refused`;
      },
    },
  ];
}
