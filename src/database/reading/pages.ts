/** Pages by key: encodes and decodes cursors, and turns the rows of a page into edges. */
import { InvalidCursorError, type Page, type PageRequest } from '../../inventory/pages.js';

/** The cursor of a page request, in the direction of the page; null at the list's end. */
export function cursorOf(page: PageRequest): string | null {
  return page.direction === 'FORWARD' ? page.after : page.before;
}

/** Entries that are looked at first: usually enough, and far fewer. */
const LOOK_FIRST = 200;
/** The most entries that are looked at for one page. */
export const LOOK_MAX = 2_000;
/** How many entries are looked at, one after the other, until a page is full. */
export const LOOKS = [LOOK_FIRST, LOOK_MAX] as const;

/**
 * The rows of a page whose filter no index answers: entries are looked at in the order of the list, and those that
 * match are its rows. They may be fewer than the page wants, while the list goes on.
 *
 * @param look the next `max` entries behind the page's cursor, or fewer where the list ends.
 * @param matching of these entries the rows that match, at most `limit + 1`.
 * @returns lookedUntil: the last entry that was looked at; null where the list ends there.
 */
export async function lookForRows<Entry, Row>(
  { limit }: PageRequest,
  look: (max: number) => Promise<readonly Entry[]>,
  matching: (entries: readonly Entry[]) => Promise<readonly Row[]>,
): Promise<{ readonly rows: readonly Row[]; readonly lookedUntil: Entry | null }> {
  for (const max of LOOKS) {
    const entries = await look(max);
    const rows = await matching(entries);
    if (entries.length < max) return { rows, lookedUntil: null };
    if (rows.length >= limit || max === LOOK_MAX) {
      return { rows, lookedUntil: entries.at(-1) ?? null };
    }
  }
  throw new Error('The last look must end a page.');
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
