/**
 * What is measured of each turn and each commit, by the operation that it serves.
 *
 * A turn and a commit are shared by many lines, so measuring costs a few calls for each of them and none for a line.
 */
import type { Clock } from '../time/clock.js';
import type { Deadline } from '../time/deadline.js';
import type { Turn, Turns } from './lanes/turns.js';
import type { OperationName, StockWrite } from './stock.js';
import type { ApplyOptions, StockStore, WriteResult } from './stock-store.js';

/** `mixed`: a commit that carried out several kinds of operations. */
export type MeasuredOperation = OperationName | 'mixed';

export interface Measures {
  /** From the request for a turn to its grant, of the operation that was first in the queue. In milliseconds. */
  waited(operation: OperationName, waitMs: number): void;
  /** From the grant of a turn to its end, in milliseconds. */
  held(operation: OperationName, holdMs: number): void;
  /** A transaction with its repetitions, in milliseconds; only where something was decided. */
  committed(operation: MeasuredOperation, commitMs: number, lines: number): void;
}

export class MeasuredTurns implements Turns {
  readonly own: Turns['own'];

  constructor(
    private readonly turns: Turns,
    private readonly measures: Measures,
    private readonly clock: Clock,
  ) {
    const { own } = turns;
    if (!own) return;
    this.own = async (productId, deadline, request) => {
      const askedMs = this.clock.nowMs();
      const turn = await own(productId, deadline, request);
      return 'end' in turn ? this.measured(turn, request.operation, askedMs) : turn;
    };
  }

  async take(
    productIds: readonly string[],
    deadline: Deadline,
    operation: OperationName,
    onQueued?: () => void,
  ): ReturnType<Turns['take']> {
    const askedMs = this.clock.nowMs();
    const turn = await this.turns.take(productIds, deadline, operation, onQueued);
    return 'failure' in turn ? turn : this.measured(turn, operation, askedMs);
  }

  private measured(turn: Turn, operation: OperationName, askedMs: number): Turn {
    const grantedMs = this.clock.nowMs();
    this.measures.waited(operation, grantedMs - askedMs);
    return new MeasuredTurn(turn, () => {
      this.measures.held(operation, this.clock.nowMs() - grantedMs);
    });
  }
}

class MeasuredTurn implements Turn {
  private hasEnded = false;

  constructor(
    private readonly turn: Turn,
    private readonly onEnd: () => void,
  ) {}

  get isOwned(): boolean {
    return this.turn.isOwned ?? false;
  }

  get isOver(): boolean {
    return this.turn.isOver;
  }

  isContended(): boolean {
    return this.turn.isContended();
  }

  fencingTokenOf(productId: string): bigint | null {
    return this.turn.fencingTokenOf(productId);
  }

  end(): void {
    this.turn.end();
    if (this.hasEnded) return;
    this.hasEnded = true;
    this.onEnd();
  }
}

export class MeasuredStockStore implements StockStore {
  constructor(
    private readonly store: StockStore,
    private readonly measures: Measures,
    private readonly clock: Clock,
  ) {}

  async apply(
    writes: readonly StockWrite[],
    options: ApplyOptions,
  ): Promise<readonly WriteResult[]> {
    const beganMs = this.clock.nowMs();
    const results = await this.store.apply(writes, options);
    if (results.some(isDecided)) {
      let lines = 0;
      for (const write of writes) lines += write.lines.length;
      this.measures.committed(operationOf(writes), this.clock.nowMs() - beganMs, lines);
    }
    return results;
  }
}

function isDecided(result: WriteResult): boolean {
  if (result.outcome !== 'REFUSED') return true;
  return result.failure.code !== 'UNAVAILABLE' && result.failure.code !== 'LOCK_TIMEOUT';
}

function operationOf(writes: readonly StockWrite[]): MeasuredOperation {
  const name = writes[0]?.operation.name ?? 'mixed';
  return writes.every(({ operation }) => operation.name === name) ? name : 'mixed';
}
