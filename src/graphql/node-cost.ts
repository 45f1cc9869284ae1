/** How many nodes a field may bring, declared at the field itself as its `complexity`; limits.ts bounds their sum. */
import { PAGE_SIZE_DEFAULT, PAGE_SIZE_MAX } from '../inventory/product-service.js';
import { LINES_MAX } from '../inventory/stock.js';

/** From the arguments as the client sent them, unchecked, and the nodes that each entry brings. */
export type NodeCost = (field: {
  readonly args: Readonly<Record<string, unknown>>;
  readonly childComplexity: number;
}) => number;

/** A page: its entries, and what is selected of each. */
export const nodesOfPage: NodeCost = ({ args, childComplexity }) => {
  const given = args.first ?? args.last;
  // A size out of range or of another type is refused later, with a better message.
  const size = typeof given === 'number' ? given : PAGE_SIZE_DEFAULT;
  return Math.min(Math.max(size, 0), PAGE_SIZE_MAX) * (1 + childComplexity);
};

/** A mutation of lines: what is selected of each line's result. */
export const nodesOfLines: NodeCost = ({ args, childComplexity }) => {
  const { items } = (args.input ?? {}) as { readonly items?: unknown };
  return (Array.isArray(items) ? Math.min(items.length, LINES_MAX) : 1) * childComplexity;
};
