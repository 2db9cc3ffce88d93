export interface UpdateExpression {
  readonly UpdateExpression: string;
  readonly ConditionExpression?: string;
  readonly ExpressionAttributeNames: Readonly<Record<string, string>>;
  readonly ExpressionAttributeValues: Readonly<Record<string, unknown>>;
}

/**
 * DynamoDB's expression for changes by path (`roll.leaseUntil`): a value sets, `null` removes, `undefined` leaves as
 * it is; `defaults` set only what the item lacks. Every name goes through a placeholder, since many plain words are
 * reserved; those of the condition (`#roll.#leaseUntil`) are named after their attribute.
 */
export function updateExpression(
  changes: Readonly<Record<string, unknown>>,
  options: { readonly condition?: string | undefined; readonly defaults: Readonly<Record<string, unknown>> },
): UpdateExpression {
  const { condition, defaults } = options;
  const given = Object.entries(changes).filter(([, value]) => value !== undefined);
  const values = [...Object.entries(defaults), ...given.filter(([, value]) => value !== null)];
  const removals = given.filter(([, value]) => value === null).map(([path]) => placeholder(path));
  const sets = values.map(([path], index) => {
    const value = path in defaults ? `if_not_exists(${placeholder(path)}, :v${index})` : `:v${index}`;
    return `${placeholder(path)} = ${value}`;
  });
  const clauses = [
    sets.length > 0 ? `SET ${sets.join(", ")}` : "",
    removals.length > 0 ? `REMOVE ${removals.join(", ")}` : "",
  ];
  const expression = clauses.filter(Boolean).join(" ");
  return {
    UpdateExpression: expression,
    ...(condition && { ConditionExpression: condition }),
    ExpressionAttributeNames: namesIn(`${expression} ${condition ?? ""}`),
    ExpressionAttributeValues: Object.fromEntries(values.map(([, value], index) => [`:v${index}`, value])),
  };
}

function placeholder(path: string): string {
  return path
    .split(".")
    .map((part) => `#${part}`)
    .join(".");
}

function namesIn(expression: string): Record<string, string> {
  return Object.fromEntries([...expression.matchAll(/#(\w+)/g)].map(([name, attribute = ""]) => [name, attribute]));
}
