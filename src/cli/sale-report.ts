/** What the process with the buyers of a tried sale is told, and what it reports: one line of JSON every 100 ms. */

export interface SaleOrder {
  /** Addresses of the servers; the buyers are divided among them. */
  readonly urls: readonly string[];
  readonly productId: string;
  readonly buyers: number;
  /** How many wait at the same time; the next one asks when one of them has an answer. */
  readonly atOnce: number;
  /** When the last buyers who have asked must have their answers. */
  readonly limitMs: number;
  readonly authorization: string | null;
}

export type Counts = Readonly<Record<string, number>>;

export interface SaleReport {
  /** Since the first buyer asked. */
  readonly atMs: number;
  readonly asked: number;
  readonly sold: number;
  /** Answers of the product, by their codes. */
  readonly refused: Counts;
  /** Requests that failed as a whole, by the codes of their errors. */
  readonly failed: Counts;
  readonly lastAnswerMs: number | null;
  /** Set in the last report alone. */
  readonly latencies: { readonly p50Ms: number; readonly p99Ms: number } | null;
}

/** The variable of the environment with the order: the credential in it must not be seen in a list of processes. */
export const ORDER_VARIABLE = 'STOCKADE_SALE_ORDER';

export function totalOf(counts: Counts): number {
  return Object.values(counts).reduce((sum, count) => sum + count, 0);
}
