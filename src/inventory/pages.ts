/** Pages of a list, addressed by cursors. */

/** The first `limit` entries after a cursor, or the last `limit` entries before one. */
export type PageRequest =
  | { readonly direction: 'FORWARD'; readonly limit: number; readonly after: string | null }
  | { readonly direction: 'BACKWARD'; readonly limit: number; readonly before: string | null };

export interface Page<T> {
  readonly edges: readonly { readonly cursor: string; readonly node: T }[];
  readonly hasNextPage: boolean;
  readonly hasPreviousPage: boolean;
  /**
   * The page's own end, in its direction, where that is not the cursor of an edge: a page can be shorter than it was
   * asked for, and even empty, while the list goes on.
   */
  readonly startCursor?: string;
  readonly endCursor?: string;
}

export class InvalidCursorError extends Error {
  readonly code = 'INVALID_CURSOR' as const;
  constructor() {
    super('The cursor must come from a page of this list; got another text.');
    this.name = 'InvalidCursorError';
  }
}
