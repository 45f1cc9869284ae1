/**
 * How many nodes a field may bring, declared at the field itself with `CountsNodes`; limits.ts bounds their sum. Every
 * field that is a list declares one (test/unit/graphql/node-cost.test.ts), by the most entries that it can have.
 *
 * The entries of a page or of a mutation's results are known from the arguments of the field around them, so
 * `nodesOfPage` and `nodesOfLines` stand at that field, and `nodesOfEntries` at the lists inside it.
 */
import { Extensions } from 'type-graphql';
import { PAGE_SIZE_DEFAULT, PAGE_SIZE_MAX } from '../inventory/product-service.js';
import { LINES_MAX } from '../inventory/stock.js';

/** What the sizes of lists depend on besides the arguments. */
export interface ListSizes {
  /** The entries of the nearest page, or the lines of the nearest mutation. */
  readonly entries: number;
  /** The most levels of one product, and the most locations. */
  readonly locations: number;
}

/** From the arguments as the client sent them, unchecked. */
export type NodeCost = (field: {
  readonly args: Readonly<Record<string, unknown>>;
  readonly sizes: ListSizes;
  /** The nodes that are selected inside the field, once. */
  readonly inside: (sizes: ListSizes) => number;
}) => number;

/** What the field costs. Every list needs it. */
export function CountsNodes(nodes: NodeCost): MethodDecorator & PropertyDecorator {
  return Extensions({ nodes });
}

/** An entry of a few numbers: twenty take as long as one product or movement. */
const SMALL_ENTRY = 0.05;

/** A page. It is read from the database even where none of its lists is selected. */
export const nodesOfPage: NodeCost = ({ args, sizes, inside }) => {
  const given = args.first ?? args.last;
  // A size out of range or of another type is refused later, with a better message.
  const size = typeof given === 'number' ? given : PAGE_SIZE_DEFAULT;
  const entries = Math.min(Math.max(size, 0), PAGE_SIZE_MAX);
  return Math.max(entries, inside({ ...sizes, entries }));
};

/** A mutation of lines. */
export const nodesOfLines: NodeCost = ({ args, sizes, inside }) => {
  const { items } = (args.input ?? {}) as { readonly items?: unknown };
  return inside({
    ...sizes,
    entries: Array.isArray(items) ? Math.min(items.length, LINES_MAX) : 1,
  });
};

/** The entities of a gateway: each is read from the database, as the entries of a page are. */
export const nodesOfRepresentations: NodeCost = ({ args, sizes, inside }) => {
  const { representations } = args;
  // GraphQL takes a single value for a list of one.
  const entities = Array.isArray(representations) ? representations.length : 1;
  return entities * (1 + inside(sizes));
};

/** A list inside a page or a mutation of lines: one entry for each of theirs. */
export const nodesOfEntries: NodeCost = ({ sizes, inside }) => sizes.entries * (1 + inside(sizes));

/** A list with an entry for each location. */
export const nodesOfLocations: NodeCost = ({ sizes, inside }) =>
  sizes.locations * (SMALL_ENTRY + inside(sizes));

/** A list of at most so many small entries. */
export function smallNodes(entriesMax: number): NodeCost {
  return ({ sizes, inside }) => entriesMax * (SMALL_ENTRY + inside(sizes));
}
