/** What a file of products says, line by line: a row that can be carried out, or a line that is wrong. */

/** One product at one place. */
export interface ImportRow {
  /** Where it stands in the file. */
  readonly line: number;
  readonly id: string;
  readonly name: string;
  readonly lowStockThreshold: number | null;
  /** Null where the row tells of the product alone. */
  readonly locationId: string | null;
  /** Null: none for a place that is new, and as it is for one that has a level. */
  readonly quantity: number | null;
}

export interface BadLine {
  readonly line: number;
  /** Null where the line as a whole is bad. */
  readonly column: string | null;
  readonly reason: string;
}
