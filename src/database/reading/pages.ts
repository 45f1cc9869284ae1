/** Pages by key: encodes and decodes cursors, and turns the rows of a page into edges. */
import { InvalidCursorError, type Page, type PageRequest } from '../../inventory/pages.js';

/** The cursor of a page request, in the direction of the page; null at the list's end. */
export function cursorOf(page: PageRequest): string | null {
  return page.direction === 'FORWARD' ? page.after : page.before;
}

/**
 * @param rows at most `limit + 1`, in the direction of the page. The extra row only shows that there is a next page.
 * @param how the sort key is what the list is sorted by.
 */
export function toPage<Row, Node>(
  page: PageRequest,
  rows: readonly Row[],
  how: {
    readonly node: (row: Row) => Node;
    readonly sortKey: (row: Row) => readonly string[];
    /** For a page that may be short: the sort key behind which the list goes on; null: the rows tell it. */
    readonly lookedUntil?: readonly string[] | null;
  },
): Page<Node> {
  const isFull = rows.length > page.limit;
  const goesOnBehind = isFull || !how.lookedUntil ? undefined : encodeCursor(how.lookedUntil);
  const hasMore = isFull || goesOnBehind !== undefined;
  const shown = rows.slice(0, page.limit);
  const isForward = page.direction === 'FORWARD';
  if (!isForward) shown.reverse();
  const hasBegun = cursorOf(page) !== null;
  return {
    edges: shown.map((row) => ({ cursor: encodeCursor(how.sortKey(row)), node: how.node(row) })),
    hasNextPage: isForward ? hasMore : hasBegun,
    hasPreviousPage: isForward ? hasBegun : hasMore,
    ...(goesOnBehind !== undefined && { [isForward ? 'endCursor' : 'startCursor']: goesOnBehind }),
  };
}

function encodeCursor(values: readonly string[]): string {
  return Buffer.from(JSON.stringify(values), 'utf8').toString('base64url');
}

/** @throws InvalidCursorError where this is not a cursor of a list that is sorted by so many columns. */
export function decodeCursor(cursor: string, columns: number): string[] {
  let values: unknown;
  try {
    values = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'));
  } catch {
    throw new InvalidCursorError();
  }
  if (!Array.isArray(values) || values.length !== columns) throw new InvalidCursorError();
  return values.map((value: unknown) => {
    if (typeof value !== 'string') throw new InvalidCursorError();
    return value;
  });
}
