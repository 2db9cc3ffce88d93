import type { CostEstimate } from "../cost/estimate.ts";
import { prices } from "../cost/prices.ts";
import type { Terminal } from "./style.ts";
import { table } from "./table.ts";

/** The estimate as a table with its sum, its assumptions and where the prices are from. */
export function costText({ items, dollars, assumptions, input }: CostEstimate, terminal: Terminal): string {
  const rows = items.map((item) => {
    const price = prices[item.price];
    return [
      item.service,
      item.what,
      quantityWords(item.quantity),
      `$${price.dollars} per ${price.per === 1 ? "" : `${quantityWords(price.per)} `}${price.unit}`,
      money(item.dollars),
    ];
  });
  const sources = [...new Set(items.map(({ price }) => prices[price].source))];
  return [
    table(
      [
        { title: "service" },
        { title: "for", wrap: true },
        { title: "a month", right: true },
        { title: "list price, us-east-1", wrap: true },
        { title: "dollars", right: true },
      ],
      rows,
      terminal,
    ),
    "",
    terminal.style(`  About ${money(dollars)} a month, ${money(dollars / input.services)} per service.`, "bold"),
    "",
    "  Assumptions",
    ...assumptions.map((line) => `  - ${line}`),
    "",
    `  Prices: ${sources.join(", ")}`,
  ].join("\n");
}

function money(dollars: number): string {
  return `$${dollars.toLocaleString("en-US", { minimumFractionDigits: 2, maximumFractionDigits: 2 })}`;
}

function quantityWords(quantity: number): string {
  const digits = quantity < 10 ? 2 : 0;
  return quantity.toLocaleString("en-US", { maximumFractionDigits: digits });
}
