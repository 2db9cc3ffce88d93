/**
 * What EventBridge calls an event pattern:
 * https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-event-patterns.html
 */
export type EventPattern = { readonly [key: string]: PatternNode };
export type PatternNode = EventPattern | readonly PatternLeaf[];
export type PatternLeaf =
  | null
  | boolean
  | number
  | string
  | EventPattern
  | { readonly [operator: string]: PatternOperand };
type PatternOperand = boolean | number | string | readonly (number | string)[];
