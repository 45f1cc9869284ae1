/**
 * One incarnation of one server process: the product's own services, as src/app.ts puts them together, on simulated
 * time, the simulated Redis and the memory store. A restart makes another one.
 */
import type { Operations } from '../inventory/operation.js';
import { stockOperations, type StockOperations } from '../inventory/stock-operations.js';
import {
  isRetryable,
  levelKey,
  type DecidedVerdict,
  type StockFailure,
} from '../inventory/stock.js';
import type { ReservationFailure } from '../inventory/reservation.js';
import {
  IdempotencyKeyReusedError,
  type Caller,
  type LineResult,
} from '../inventory/stock-request.js';
import { Delegation } from '../inventory/delegation/delegation.js';
import { StockService } from '../inventory/lanes/stock-service.js';
import { DistributedTurns, LocalTurns, type Turns } from '../inventory/lanes/turns.js';
import { DistributedLockManager, RedisLockService } from '../lock/index.js';
import type { StockStore } from '../inventory/stock-store.js';
import type { Counts } from './counts.js';
import type { SeededRandom } from './seeded-random.js';
import type { SimulatedRedis } from './simulated-redis.js';
import type { LockWitness } from './witness.js';
import type { Answer, LineAnswer } from './history.js';
import type { MemoryDatabase } from './memory-database.js';
import { Deadline } from '../time/deadline.js';
import type { SimulatedProcess } from './simulated-process.js';
import type { Request } from './workload.js';

export interface CarriedOut {
  readonly answer: Answer;
  /** The id of the reservation that this call, or an earlier one with the same key, created. */
  readonly reservationId?: string | undefined;
}

const FLEET_SECRET = Buffer.alloc(32, 'fleet');

/** The time that a stop gives to requests under way, in milliseconds. */
const GRACE_MS = 5_000;

export type StockLock = 'redis' | 'database' | 'none';

export interface ServerSettings {
  readonly stockLock: StockLock;
  readonly ttlMs: number;
  readonly turnMaxMs: number;
  readonly lockWaitMs: number;
  readonly batchMax: number;
  readonly queueMax: number;
  readonly queueMaxPerPrincipal: number;
  readonly commitsMax: number;
  readonly fallback: 'database' | 'fail';
  /** Whether its products have owners; not in the version before. */
  readonly owns: boolean;
}

export interface ServerParts {
  readonly process: SimulatedProcess;
  readonly database: MemoryDatabase;
  readonly store: StockStore;
  readonly redis: SimulatedRedis;
  readonly random: SeededRandom;
  readonly counts: Counts;
  readonly operations: Operations;
  readonly witness: LockWitness;
}

export class SimulatedServer {
  readonly process: SimulatedProcess;
  private readonly database: MemoryDatabase;
  private readonly locks: RedisLockService | null;
  private readonly stock: StockService;
  private readonly delegation: Delegation | null;
  private readonly counts: Counts;
  private readonly operations: StockOperations;

  constructor(parts: ServerParts, settings: ServerSettings) {
    const { process, database } = parts;
    this.process = process;
    this.database = database;
    this.locks = settings.stockLock === 'redis' ? this.startLock(parts, settings.ttlMs) : null;
    const delegation =
      this.locks && settings.owns
        ? new Delegation(this.locks, FLEET_SECRET, process.clock, parts.random.bytes)
        : null;
    this.stock = new StockService(
      parts.store,
      this.turnsOf(parts, settings),
      { ...settings, handOver: delegation?.outgoing },
      process.clock,
    );
    delegation?.serve(this.stock);
    this.delegation = delegation;
    parts.process.onDeath(() => {
      this.countDelegated(parts.counts);
    });
    this.counts = parts.counts;
    this.operations = stockOperations(this.stock, parts.operations, database, settings);
  }

  /** Stops gracefully: refuses waiting requests, lets those under way finish, and releases the locks. */
  async stop(): Promise<void> {
    await this.stock.stop(GRACE_MS);
    await this.locks?.stop();
    this.countDelegated(this.counts);
  }

  private countDelegated(counts: Counts): void {
    if (!this.delegation) return;
    const { outgoing, dropped } = this.delegation.stats();
    counts.addAll({
      'owners: lines answered by another process': outgoing.answered,
      'owners: lines not taken': outgoing.notTaken,
      'owners: lines in doubt': outgoing.unknown,
      'owners: lines sent again': outgoing.sentAgain,
      'owners: messages dropped as repeated': dropped.repeated,
    });
  }

  /** A caller whose deadline begins now, by the clock of this process. */
  caller(principal: string | null, deadlineMs: number, signal: AbortSignal): Caller {
    return { principal, deadline: Deadline.in(deadlineMs, this.process.clock, signal) };
  }

  /** Never rejects: an error that the product throws becomes an answer that fails the checks. */
  async carryOut(request: Request, caller: Caller): Promise<CarriedOut> {
    try {
      return await this.answer(request, caller);
    } catch (error) {
      return { answer: faultOf(error) };
    }
  }

  async endReservation(
    reservationId: string,
    ending: 'COMMITTED' | 'RELEASED',
    idempotencyKey: string | null,
    lines: number,
    caller: Caller,
  ): Promise<Answer> {
    const request = { reservationId, idempotencyKey };
    const { reservations } = this.operations;
    try {
      const result = await (ending === 'COMMITTED'
        ? reservations.commit(request, caller)
        : reservations.release(request, caller));
      const told = Array.from({ length: lines }, (_, index): LineAnswer => {
        if (result.outcome === 'REFUSED') return refusedLine(index, result.failure);
        const movementId = result.movementIds[index] ?? null;
        return { outcome: 'APPLIED', index, remaining: null, movementId };
      });
      const replayed = result.outcome === 'REFUSED' || result.replayed;
      return { kind: 'ANSWERED', lines: told, replayed };
    } catch (error) {
      return faultOf(error);
    }
  }

  /** The present level; null where the product has none at the location. */
  read(productId: string, locationId: string): { onHand: number; available: number } | null {
    const level = this.database.levels.get(levelKey({ productId, locationId }));
    return level ? { onHand: level.onHand, available: level.onHand - level.reserved } : null;
  }

  private startLock({ process, redis, random }: ServerParts, ttlMs: number): RedisLockService {
    const locks = new RedisLockService({
      url: 'redis://simulated',
      ttlMs,
      clock: process.clock,
      random: random.next,
      randomBytes: random.bytes,
      connect: redis.connectFor(process),
    });
    void locks.start();
    return locks;
  }

  private turnsOf({ process, witness }: ServerParts, settings: ServerSettings): Turns {
    const { stockLock, lockWaitMs, fallback } = settings;
    if (!this.locks) return new LocalTurns(stockLock === 'database');
    const watched = witness.watch(process.name, this.locks);
    const manager = new DistributedLockManager(watched, { waitMs: lockWaitMs }, process.clock);
    const owners = settings.owns ? witness.watchOwning(process.name, this.locks) : null;
    return new DistributedTurns(manager, { fallback }, owners);
  }

  private async answer(request: Request, caller: Caller): Promise<CarriedOut> {
    const { reference, idempotencyKey } = request;
    switch (request.kind) {
      case 'deduct':
      case 'increase': {
        const transaction =
          this.operations[request.kind === 'deduct' ? 'deductStock' : 'increaseStock'];
        const { items, mode } = request;
        const response = await transaction.execute(
          { items, mode, reference, idempotencyKey },
          caller,
        );
        const { results, replayed } = response;
        return { answer: { kind: 'ANSWERED', lines: results.map(toLine), replayed } };
      }
      case 'set': {
        const { item, changeFrom: changeFromQuantity } = request;
        const input = { ...item, changeFromQuantity, reference, idempotencyKey };
        const result = await this.operations.setStock.execute(input, caller);
        if (result.outcome === 'REFUSED') return { answer: refusedWhole(result.failure, 1) };
        const { movementId, replayed } = result;
        const line: LineAnswer = { outcome: 'APPLIED', index: 0, remaining: null, movementId };
        return { answer: { kind: 'ANSWERED', lines: [line], replayed } };
      }
      case 'transfer': {
        const { item, toLocationId } = request;
        const { productId, locationId: fromLocationId, quantity } = item;
        const places = { productId, fromLocationId, toLocationId };
        const input = { ...places, quantity, reference, idempotencyKey };
        const result = await this.operations.transferStock.execute(input, caller);
        if (result.outcome === 'REFUSED') return { answer: refusedWhole(result.failure, 2) };
        const lines = result.movementIds.map((movementId, index): LineAnswer => {
          return { outcome: 'APPLIED', index, remaining: null, movementId };
        });
        return { answer: { kind: 'ANSWERED', lines, replayed: result.replayed } };
      }
      case 'reserve':
        return this.reserve(request, caller);
    }
  }

  private async reserve(
    { items, ttlSeconds, reference, idempotencyKey }: Request & { readonly kind: 'reserve' },
    caller: Caller,
  ): Promise<CarriedOut> {
    const input = { items, ttlSeconds, reference, idempotencyKey };
    const { reservation, failedItems, replayed } = await this.operations.reservations.reserve(
      input,
      caller,
    );
    if (!reservation) {
      return { answer: { kind: 'ANSWERED', lines: failedItems.map(toLine), replayed } };
    }
    const lines = items.map((_, index): LineAnswer => {
      return { outcome: 'APPLIED', index, remaining: null, movementId: null };
    });
    return { answer: { kind: 'ANSWERED', lines, replayed }, reservationId: reservation.id };
  }
}

function toLine({ line, verdict }: LineResult): LineAnswer {
  return verdictLine(line.index, verdict);
}

function verdictLine(index: number, verdict: DecidedVerdict): LineAnswer {
  if (verdict.outcome === 'REFUSED') return refusedLine(index, verdict.failure);
  const { remaining, movementId } = verdict;
  return { outcome: 'APPLIED', index, remaining, movementId };
}

function refusedLine(index: number, failure: StockFailure | ReservationFailure): LineAnswer {
  const { code } = failure;
  const isOfReservation = code === 'RESERVATION_NOT_FOUND' || code === 'RESERVATION_NOT_ACTIVE';
  return {
    outcome: 'REFUSED',
    index,
    code,
    retryable: !isOfReservation && isRetryable(failure),
    mayHaveApplied: code === 'UNAVAILABLE' && failure.mayHaveApplied,
    ...(code === 'INSUFFICIENT_STOCK' && { available: failure.available }),
    ...(code === 'STALE_QUANTITY' && { actual: failure.actual }),
  };
}

/** A refusal of a request whose lines go together: the first says why. */
function refusedWhole(failure: StockFailure, lines: number): Answer {
  const [retryable, mayHaveApplied] = [
    isRetryable(failure),
    failure.code === 'UNAVAILABLE' && failure.mayHaveApplied,
  ];
  const others = Array.from({ length: lines - 1 }, (_, i): LineAnswer => {
    return { outcome: 'REFUSED', index: i + 1, code: 'ABORTED', retryable, mayHaveApplied };
  });
  return { kind: 'ANSWERED', lines: [refusedLine(0, failure), ...others], replayed: true };
}

function faultOf(error: unknown): Answer {
  const code = error instanceof IdempotencyKeyReusedError ? error.code : `BUG: ${String(error)}`;
  return { kind: 'FAULT', code };
}
