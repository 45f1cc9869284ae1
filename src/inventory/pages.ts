/** Pages of a list, addressed by cursors. */

/** The first `limit` entries after a cursor, or the last `limit` entries before one. */
export type PageRequest =
  | { readonly direction: 'FORWARD'; readonly limit: number; readonly after: string | null }
  | { readonly direction: 'BACKWARD'; readonly limit: number; readonly before: string | null };

export interface Page<T> {
  readonly edges: readonly { readonly cursor: string; readonly node: T }[];
  readonly hasNextPage: boolean;
  readonly hasPreviousPage: boolean;
}

export class InvalidCursorError extends Error {
  readonly code = 'INVALID_CURSOR' as const;
  constructor() {
    super('The cursor must come from a page of this list; got another text.');
    this.name = 'InvalidCursorError';
  }
}
