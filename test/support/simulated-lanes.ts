/** A process's lanes on simulated time and a store in memory. Each transaction takes 10 ms. Needs no services. */
import { DeductStockTransaction } from '../../src/inventory/deduct-stock-transaction.js';
import type { Delegation } from '../../src/inventory/delegation/delegation.js';
import { StockService } from '../../src/inventory/lanes/stock-service.js';
import type { Turn, Turns } from '../../src/inventory/lanes/turns.js';
import { MeasuredStockStore, MeasuredTurns, type Measures } from '../../src/inventory/measures.js';
import { Operations } from '../../src/inventory/operation.js';
import type { StockRequest } from '../../src/inventory/stock-request.js';
import { RowsLockedError, type StockStore } from '../../src/inventory/stock-store.js';
import type { Writability } from '../../src/inventory/write-health.js';
import { MemoryDatabase } from '../../src/simulation/memory-database.js';
import { MemoryStockStore } from '../../src/simulation/memory-stock-store.js';
import { SeededRandom } from '../../src/simulation/seeded-random.js';
import { SimulatedTime } from '../../src/simulation/simulated-time.js';
import type { Clock } from '../../src/time/clock.js';
import { Deadline } from '../../src/time/deadline.js';

export const COMMIT_MS = 10;
const BATCHES_MAX = 1_000;
/** The usual wait of a transaction for a locked row. */
const ROW_LOCK_WAIT_MS = 5;

/** Grants each turn at once, and counts those that were given back. */
export class CountedTurns implements Turns {
  taken = 0;
  ended = 0;

  take(): Promise<Turn> {
    this.taken += 1;
    const turn = {
      isOver: false,
      isContended: () => false,
      fencingTokenOf: () => null,
      end: () => {
        if (!turn.isOver) this.ended += 1;
        turn.isOver = true;
      },
    };
    return Promise.resolve(turn);
  }
}

interface Settings {
  readonly queueMax?: number;
  readonly queueMaxPerPrincipal?: number;
  readonly batchMax?: number;
  readonly lockWaitMs?: number;
  readonly commitsMax?: number;
  readonly turns?: Turns;
  readonly measures?: Measures;
  readonly turnMaxMs?: number;
  readonly writes?: Writability;
  /** How long a transaction waits for a locked row; 0 for not at all. */
  readonly rowLockWaitMs?: number;
  /** Another process on the same time and database. */
  readonly beside?: { readonly time: SimulatedTime; readonly database: MemoryDatabase };
  readonly delegationOf?: (time: SimulatedTime, clock: Clock) => Delegation;
}

interface More extends Partial<StockRequest> {
  readonly ms?: number;
  readonly signal?: AbortSignal;
  readonly principal?: string | null;
}

/** The process's lanes over a store in memory; `fails` and `locked` take effect on the transactions from then on. */
export function openLanes(settings: Settings = {}) {
  const time = settings.beside?.time ?? new SimulatedTime();
  const clock: Clock = {
    nowMs: () => time.nowMs,
    after: (delayMs, callback) => time.after(delayMs, 'timer', callback),
    soon: (callback) => {
      time.after(0, 'soon', callback);
    },
    today: () => new Date(time.nowMs),
  };
  const database = settings.beside?.database ?? new MemoryDatabase(clock);
  /** How long a COMMIT takes from now on, in milliseconds. */
  const commit = { ms: COMMIT_MS };
  const memory = new MemoryStockStore(database, {
    clock,
    random: new SeededRandom(1).next,
    faults: {
      before: (step) =>
        step === 'COMMIT'
          ? new Promise((resolve) => time.after(commit.ms, 'commit', resolve))
          : undefined,
    },
  });
  /** The references of the writes of each transaction. */
  const batches: (string | null)[][] = [];
  const fails = new Set<string>();
  const locked = new Set<string>();
  const store: StockStore = {
    async apply(writes, options) {
      batches.push(writes.map(({ reference }) => reference));
      if (batches.length > BATCHES_MAX) throw new Error('Transactions begin without end.');
      if (writes.some(({ reference }) => fails.has(reference ?? ''))) {
        throw new Error('The database rejects a line.');
      }
      const stuck = writes.flatMap(({ productIds }) => productIds.filter((id) => locked.has(id)));
      if (options.impatient && stuck.length > 0 && !options.deadline.hasPassed) {
        const waitMs = settings.rowLockWaitMs ?? ROW_LOCK_WAIT_MS;
        if (waitMs > 0) {
          await new Promise<void>((resolve) => time.after(waitMs, 'row lock', resolve));
        }
        throw new RowsLockedError(null, new Set(stuck));
      }
      return memory.apply(writes, options);
    },
  };
  const turns = settings.turns ?? new CountedTurns();
  const delegation = settings.delegationOf?.(time, clock);
  const service = {
    turnMaxMs: 5_000,
    lockWaitMs: 1_000,
    batchMax: 512,
    queueMax: 1_000,
    queueMaxPerPrincipal: 1_000,
    commitsMax: 1,
    ...settings,
    handOver: delegation?.outgoing,
  };
  const { measures } = settings;
  const stock = measures
    ? new StockService(
        new MeasuredStockStore(store, measures, clock),
        new MeasuredTurns(turns, measures, clock),
        service,
        clock,
      )
    : new StockService(store, turns, service, clock);
  delegation?.serve(stock);
  const operations = new Operations(new SeededRandom(settings.beside ? 4 : 2).bytes);
  const deducting = new DeductStockTransaction(stock, operations, { batchMax: service.batchMax });
  const verdictOf = async (productId: string, reference: string, more: More = {}) => {
    const { ms, signal, principal = null, ...request } = more;
    const items = [{ productId, quantity: 1 }];
    const deadline = Deadline.in(ms ?? 5_000, clock, signal);
    const response = await deducting.execute(
      { items, mode: 'PARTIAL', reference, ...request },
      { principal, deadline },
    );
    return response.results[0]?.verdict;
  };
  const deduct = async (
    productId: string,
    reference: string,
    more?: More,
  ): Promise<number | string> => {
    const verdict = await verdictOf(productId, reference, more);
    if (verdict?.outcome === 'APPLIED') return verdict.remaining;
    const failure = verdict?.failure;
    if (failure?.code === 'UNAVAILABLE' && failure.mayHaveApplied) return 'MAY_HAVE_APPLIED';
    return failure?.code ?? 'NONE';
  };
  return {
    time,
    database,
    stock,
    delegation,
    batches,
    fails,
    locked,
    commit,
    turns,
    deduct,
    verdictOf,
  };
}
