/**
 * What a request weighs for the rate limit: one, or its lines of stock where it has more. Admission counts one before
 * anything is parsed; the other lines are known when the operation and its variables are, and counted before it runs.
 */
import { Extensions } from 'type-graphql';
import { LINES_MAX } from '../inventory/stock.js';

/** From the arguments as the client sent them, unchecked. */
export type LineCount = (args: Readonly<Record<string, unknown>>) => number;

/** How many lines a mutation has. Every mutation of lines needs it (test/unit/graphql/request-weight.test.ts). */
export function CountsLines(lines: LineCount): MethodDecorator & PropertyDecorator {
  return Extensions({ lines });
}

/** A list of more lines than a request may have is refused, and weighs no more than the longest that is not. */
export const linesOfItems: LineCount = ({ input }) => {
  const { items } = (input ?? {}) as { readonly items?: unknown };
  return Array.isArray(items) ? Math.min(items.length, LINES_MAX) : 1;
};
