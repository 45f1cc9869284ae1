/** Walks through a list page by page, by the cursors that the pages tell. */
import type { Page, PageRequest } from '../../src/inventory/pages.js';

export interface Walked {
  readonly ids: readonly string[];
  readonly pages: number;
}

/** @throws where a page is too long, or the list does not go on as it says. */
export async function walkPages(
  read: (page: PageRequest) => Promise<Page<{ readonly id: string }>>,
  limit: number,
  backward = false,
): Promise<Walked> {
  const ids: string[] = [];
  let pages = 0;
  for (let cursor: string | null = null; ;) {
    const page = await read(
      backward
        ? { direction: 'BACKWARD', limit, before: cursor }
        : { direction: 'FORWARD', limit, after: cursor },
    );
    pages += 1;
    const found = page.edges.map(({ node }) => node.id);
    if (found.length > limit) throw new Error(`A page of ${limit} has ${found.length} entries.`);
    ids.push(...(backward ? found.reverse() : found));
    if (backward ? !page.hasPreviousPage : !page.hasNextPage) return { ids, pages };
    const next: string | undefined = backward
      ? (page.startCursor ?? page.edges[0]?.cursor)
      : (page.endCursor ?? page.edges.at(-1)?.cursor);
    if (next === undefined || next === cursor) throw new Error('The list does not go on.');
    cursor = next;
  }
}
