/**
 * What the clients of a storm saw, as plain data: the input of history-checks.ts, whether the servers were real or
 * simulated. Times are on one monotonic clock that all clients of a history share, in milliseconds.
 */

export type LineAnswer =
  | {
      readonly outcome: 'APPLIED';
      readonly index: number;
      /** Null where the client is not told. */
      readonly remaining: number | null;
      /** Null where the quantity on hand did not change. */
      readonly movementId: string | null;
    }
  | {
      readonly outcome: 'REFUSED';
      readonly index: number;
      readonly code: string;
      readonly retryable: boolean;
      /** It may have been applied all the same; only UNAVAILABLE can say so. */
      readonly mayHaveApplied: boolean;
      /** Of INSUFFICIENT_STOCK: what was available when the line was refused. */
      readonly available?: number;
      /** Of STALE_QUANTITY: what was on hand when the line was refused. */
      readonly actual?: number;
    };

export type Answer =
  | { readonly kind: 'ANSWERED'; readonly lines: readonly LineAnswer[]; readonly replayed: boolean }
  /** A fault of the whole request, by its code. */
  | { readonly kind: 'FAULT'; readonly code: string }
  /** The connection broke: anything may have happened. */
  | { readonly kind: 'UNKNOWN'; readonly reason: string };

/** One call to one process. */
export interface Try {
  readonly beginMs: number;
  readonly endMs: number;
  readonly answer: Answer;
}

export interface HistoryItem {
  readonly productId: string;
  readonly locationId: string;
  readonly quantity: number;
  /** As the domain's `LineChange`; HOLD and FREE leave no line in the ledger. */
  readonly effect: 'TAKE' | 'PUT' | 'SET' | 'HOLD' | 'TAKE_HELD' | 'FREE';
}

export interface HistoryOperation {
  /** How a complaint names it. */
  readonly name: string;
  /** The reference that its lines carry in the ledger; no other operation that writes lines has it. */
  readonly reference: string;
  /** All lines or none. */
  readonly atomic: boolean;
  /** Whether it has an idempotency key, under which the client asked again until it had a final answer. */
  readonly keyed: boolean;
  readonly items: readonly HistoryItem[];
  /** Every call, in the order of their ends. */
  readonly tries: readonly Try[];
  /** The final answer; null where the client has none and cannot ask again, or gave up. */
  readonly settled: Answer | null;
  /** The answer to the same call once more, after it was settled; undefined where the client did not ask. */
  readonly again?: Answer | null;
  /** Of an operation that holds stock: how long, in milliseconds. */
  readonly holdsForMs?: number;
  /** Of an operation that ends a hold: the operation that made it. */
  readonly ends?: HistoryOperation;
}

/** A level as a client read it. */
export interface HistoryRead {
  readonly beginMs: number;
  readonly endMs: number;
  readonly productId: string;
  readonly locationId: string;
  readonly onHand: number;
  readonly available: number;
}

export interface HistoryLedgerLine {
  readonly productId: string;
  readonly locationId: string;
  readonly sequence: number;
  readonly kind: string;
  readonly delta: number;
  readonly quantityAfter: number;
  readonly availableAfter: number;
  readonly reference: string | null;
  readonly lineIndex: number;
  /** Of the lock under which it was written; null where none was held. */
  readonly fencingToken?: string | null;
  /** When its transaction was committed, where that is known: on simulated servers. */
  readonly committedMs?: number;
}

export interface History {
  /** Units on hand before the first operation, by place as in `p0001/default`. */
  readonly initial: ReadonlyMap<string, number>;
  readonly operations: readonly HistoryOperation[];
  readonly reads: readonly HistoryRead[];
  /** The whole ledger, each place in its order. */
  readonly ledger: readonly HistoryLedgerLine[];
  /** Units on hand at the end. */
  readonly levels: ReadonlyMap<string, number>;
}

/** By index, every final answer that a line got. */
export function finalLines(tries: readonly Try[]): ReadonlyMap<number, readonly LineAnswer[]> {
  const told = new Map<number, LineAnswer[]>();
  for (const { answer } of tries) {
    if (answer.kind !== 'ANSWERED') continue;
    for (const line of answer.lines) {
      if (line.outcome === 'REFUSED' && (line.retryable || line.mayHaveApplied)) continue;
      const lines = told.get(line.index);
      if (lines) lines.push(line);
      else told.set(line.index, [line]);
    }
  }
  return told;
}
