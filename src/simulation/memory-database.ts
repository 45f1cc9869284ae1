/**
 * The rows that the stores of all simulated processes share: products, levels, the ledger, operations with their
 * answers, reservations.
 *
 * A transaction reads committed rows, locks rows until it ends, and becomes visible as a whole at COMMIT. Rows are
 * locked for writing only, by key, first come first served. The wall clock of the given clock is the database's.
 */
import type { Plan } from '../inventory/decision.js';
import { holderKey } from '../inventory/held-units.js';
import type {
  DueLine,
  Reservation,
  ReservationFailure,
  ReservationStatus,
} from '../inventory/reservation.js';
import {
  DEFAULT_LOCATION_ID,
  compareBytes,
  levelKey,
  type LevelLookup,
  type MovementKind,
  type Place,
  type StockLevelState,
  type Verdict,
} from '../inventory/stock.js';
import type { Clock, Timer } from '../time/clock.js';

/** A line of the ledger. The list is in the order of commits. */
export interface LedgerLine extends Place {
  readonly sequence: number;
  readonly kind: MovementKind;
  readonly delta: number;
  readonly quantityBefore: number;
  readonly quantityAfter: number;
  readonly availableAfter: number;
  readonly operationId: Buffer;
  readonly lineIndex: number;
  readonly idempotencyKey: string | null;
  readonly reason: string | null;
  readonly reference: string | null;
  readonly principal: string | null;
  readonly fencingToken: bigint | null;
  /** By the database's clock. */
  readonly committedMs: number;
}

export interface StoredOperation {
  readonly name: string;
  readonly fingerprint: Buffer;
  /** Of the reservation that the operation creates. */
  readonly reservationId: string | null;
  /** By the wall clock. */
  readonly createdAtMs: number;
  /** By the database's clock, which has fractions. */
  readonly createdMs: number;
  answerExpired: boolean;
  /** The write was refused as a whole. */
  refused: ReservationFailure | null;
  /** By line index. */
  readonly answers: Map<number, Verdict>;
}

export interface StoredReservation extends Omit<Reservation, 'status'> {
  /** As last written; `statusOf` returns the present status. */
  status: ReservationStatus;
  closedBy: Buffer | null;
  /** Indexes of the items that still hold stock. */
  readonly holding: Set<number>;
}

/** The wait for a row locked by another transaction timed out. */
export class RowLockTimeoutError extends Error {
  readonly code = 'ROW_LOCK_TIMEOUT' as const;
  constructor(key: string) {
    super(`Row ${key} is locked by another transaction.`);
    this.name = 'RowLockTimeoutError';
  }
}

const ARCHIVING_WAIT_MS = 5_000;

export class MemoryDatabase {
  readonly products = new Set<string>();
  private readonly archived = new Set<string>();
  readonly locations = new Set<string>([DEFAULT_LOCATION_ID]);
  readonly levels = new Map<string, StockLevelState>();
  readonly ledger: LedgerLine[] = [];
  readonly operations = new Map<string, StoredOperation>();
  readonly reservations = new Map<string, StoredReservation>();
  /** Which attempts at delegated writes are withdrawn: those before this number. */
  readonly withdrawn = new Map<string, number>();
  readonly locks: RowLocks;
  private readonly holding = new Set<StoredReservation>();
  /** The unique index of operation and line over the ledger. */
  private readonly written = new Set<string>();

  constructor(readonly clock: Clock) {
    this.locks = new RowLocks(clock);
  }

  begin(): MemoryTransaction {
    return new MemoryTransaction(this.locks);
  }

  /** An initial quantity is the first line of the product's ledger. */
  createProduct(productId: string, quantity: number, locationId = DEFAULT_LOCATION_ID): void {
    if (this.products.has(productId)) throw new Error(`Product ${productId} exists already.`);
    this.products.add(productId);
    const place = { productId, locationId };
    const moved = quantity > 0 ? 1 : 0;
    this.levels.set(levelKey(place), {
      ...place,
      onHand: quantity,
      reserved: 0,
      lastSequence: moved,
      version: moved,
      archived: false,
    });
    if (moved === 0) return;
    this.ledger.push({
      ...place,
      sequence: 1,
      kind: 'INITIAL',
      delta: quantity,
      quantityBefore: 0,
      quantityAfter: quantity,
      availableAfter: quantity,
      operationId: Buffer.from(`initial/${productId}`),
      lineIndex: 0,
      idempotencyKey: null,
      reason: null,
      reference: null,
      principal: null,
      fencingToken: null,
      committedMs: this.clock.nowMs(),
    });
  }

  /** Creates levels that do not exist yet, empty. */
  createLevels(places: readonly Place[]): void {
    for (const { productId, locationId } of places) {
      const key = levelKey({ productId, locationId });
      if (this.levels.has(key)) continue;
      const empty = { onHand: 0, reserved: 0, lastSequence: 0, version: 0 };
      const archived = this.archived.has(productId);
      this.levels.set(key, { productId, locationId, ...empty, archived });
    }
  }

  /** Takes a product out of sale, or puts it back, as one change of each of its levels. */
  async setArchived(productId: string, archived: boolean): Promise<void> {
    const transaction = this.begin();
    for (let locked = -1; ;) {
      // While it waits for one level, another one may be created.
      const keys = this.levelKeysOf([productId]);
      if (keys.length === locked) break;
      locked = keys.length;
      const levelKeys = [...keys].sort(compareBytes).map((key) => `level/${key}`);
      await transaction.lock(levelKeys, ARCHIVING_WAIT_MS);
    }
    transaction.onCommit(() => {
      if (archived) this.archived.add(productId);
      else this.archived.delete(productId);
      for (const key of this.levelKeysOf([productId])) {
        const level = this.levels.get(key);
        if (level) this.levels.set(key, { ...level, archived, version: level.version + 1 });
      }
    });
    transaction.commit();
  }

  append(line: LedgerLine): void {
    this.ledger.push(line);
    this.written.add(writtenKey(line.operationId, line.lineIndex));
  }

  /** Whether any row that the plan inserts is there already. */
  hasAnyOf({ movements, creating }: Pick<Plan, 'movements' | 'creating'>): boolean {
    return (
      movements.some(({ write, line }) =>
        this.written.has(writtenKey(write.operation.id, line.index)),
      ) || creating.some(({ reservationId }) => this.reservations.has(reservationId))
    );
  }

  lookUp(place: Place): LevelLookup {
    const level = this.levels.get(levelKey(place));
    if (level) return { found: 'LEVEL', level };
    if (!this.products.has(place.productId)) return { found: 'NO_PRODUCT' };
    if (!this.locations.has(place.locationId)) return { found: 'NO_LOCATION' };
    return { found: 'NO_LEVEL_YET', archived: this.archived.has(place.productId) };
  }

  addReservation(reservation: StoredReservation): void {
    this.reservations.set(reservation.id, reservation);
    this.holding.add(reservation);
  }

  endHolding(reservation: StoredReservation, lineIndexes: Iterable<number>): void {
    for (const index of lineIndexes) reservation.holding.delete(index);
    if (reservation.holding.size === 0) this.holding.delete(reservation);
  }

  /** EXPIRED from its expiry on, even before a transaction has stored that. */
  statusOf({ status, expiresAt }: StoredReservation): ReservationStatus {
    const isOver = expiresAt.getTime() <= this.clock.today().getTime();
    return status === 'ACTIVE' && isOver ? 'EXPIRED' : status;
  }

  /** The lines by which expired reservations still hold units of these products. */
  dueLines(productIds: ReadonlySet<string>): readonly DueLine[] {
    const due: DueLine[] = [];
    if (productIds.size === 0) return due;
    for (const reservation of this.holding) {
      if (this.statusOf(reservation) !== 'EXPIRED') continue;
      for (const lineIndex of reservation.holding) {
        const item = reservation.items[lineIndex];
        if (!item || !productIds.has(item.productId)) continue;
        due.push({ reservationId: reservation.id, lineIndex, ...item });
      }
    }
    return due;
  }

  levelKeysOf(productIds: readonly string[] = []): readonly string[] {
    const levels = [...this.levels].filter(([, level]) => productIds.includes(level.productId));
    return levels.map(([key]) => key);
  }

  /** The units that reservations which have not expired hold, by holder. */
  heldUnits(): ReadonlyMap<string, number> {
    const units = new Map<string, number>();
    for (const reservation of this.holding) {
      const { principal, items, holding } = reservation;
      if (principal === null || this.statusOf(reservation) !== 'ACTIVE') continue;
      for (const lineIndex of holding) {
        const item = items[lineIndex];
        if (!item) continue;
        const key = holderKey(item.productId, principal);
        units.set(key, (units.get(key) ?? 0) + item.quantity);
      }
    }
    return units;
  }

  /** The present state; null if no reservation has this id. */
  reservationById(id: string): Promise<Reservation | null> {
    return Promise.resolve(this.reservationNow(id));
  }

  reservationNow(id: string): Reservation | null {
    const stored = this.reservations.get(id);
    if (!stored) return null;
    const { items, expiresAt, reference, createdAt, principal } = stored;
    const status = this.statusOf(stored);
    return { id, status, items, expiresAt, reference, createdAt, principal };
  }

  /** Products with units that expired reservations still hold. */
  productsWithDueLines(limit: number): Promise<readonly string[]> {
    const productIds = new Set<string>();
    for (const { productId } of this.dueLines(this.products)) productIds.add(productId);
    return Promise.resolve([...productIds].sort(compareBytes).slice(0, limit));
  }

  /** A sentence for each inconsistency between the ledger, the levels and the held units of reservations. */
  problems(): readonly string[] {
    const problems: string[] = [];
    const ends = new Map<string, { sequence: number; quantity: number }>();
    for (const line of this.ledger) {
      const key = levelKey(line);
      const last = ends.get(key) ?? { sequence: 0, quantity: 0 };
      const { sequence, quantityBefore, quantityAfter, delta, availableAfter } = line;
      const isNext = sequence === last.sequence + 1 && quantityBefore === last.quantity;
      const addsUp = quantityBefore + delta === quantityAfter && delta !== 0;
      const isInRange = availableAfter >= 0 && availableAfter <= quantityAfter;
      if (!isNext || !addsUp || !isInRange) problems.push(`${key}: bad line ${sequence}`);
      ends.set(key, { sequence, quantity: quantityAfter });
    }
    const held = new Map<string, number>();
    for (const { items, holding } of this.holding) {
      for (const index of holding) {
        const item = items[index];
        if (!item) continue;
        const key = levelKey(item);
        held.set(key, (held.get(key) ?? 0) + item.quantity);
      }
    }
    for (const [key, { onHand, reserved, lastSequence }] of this.levels) {
      const end = ends.get(key) ?? { sequence: 0, quantity: 0 };
      if (end.sequence !== lastSequence || end.quantity !== onHand) {
        problems.push(`${key}: the level has ${onHand}, its ledger ends at ${end.quantity}`);
      }
      if (reserved !== (held.get(key) ?? 0) || reserved > onHand || onHand < 0) {
        problems.push(`${key}: ${reserved} reserved of ${onHand}, held are ${held.get(key) ?? 0}`);
      }
    }
    return problems;
  }

  /** To the fraction of a millisecond, unless the wall clock was set. */
  ageMsOf({ createdMs, createdAtMs }: StoredOperation): number {
    const byWallMs = this.clock.today().getTime() - createdAtMs;
    return Math.max(this.clock.nowMs() - createdMs, byWallMs - 1);
  }

  /** Drops the answers of operations that are older than this. Their keys stay, marked as expired. */
  expireAnswers(olderThanMs: number): void {
    const before = this.clock.today().getTime() - olderThanMs;
    for (const operation of this.operations.values()) {
      if (operation.createdAtMs >= before) continue;
      operation.answerExpired = true;
      operation.answers.clear();
    }
  }
}

function writtenKey(operationId: Buffer, lineIndex: number): string {
  return `${operationId.toString('hex')}/${lineIndex}`;
}

/** Collects changes, which are invisible to other transactions before COMMIT. */
export class MemoryTransaction {
  private readonly changes: (() => void)[] = [];
  private isOver = false;

  constructor(private readonly locks: RowLocks) {}

  /** @param keys in byte order. @throws RowLockTimeoutError */
  async lock(keys: readonly string[], timeoutMs: number): Promise<void> {
    for (const key of keys) {
      const waiting = this.locks.take(key, this, timeoutMs);
      if (waiting) await waiting;
    }
  }

  onCommit(change: () => void): void {
    this.changes.push(change);
  }

  commit(): void {
    if (this.isOver) return;
    for (const change of this.changes) change();
    this.end();
  }

  /** Has no effect on a transaction that has ended. */
  rollback(): void {
    if (!this.isOver) this.end();
  }

  private end(): void {
    this.isOver = true;
    this.locks.releaseAll(this);
  }
}

interface Waiter {
  readonly owner: object;
  readonly granted: () => void;
}

interface LockedRow {
  owner: object;
  readonly waiters: Waiter[];
}

export class RowLocks {
  private readonly rows = new Map<string, LockedRow>();
  private readonly keysOf = new Map<object, Set<string>>();

  constructor(private readonly clock: Clock) {}

  /** @returns null where the row is locked at once; else a promise, which rejects with RowLockTimeoutError. */
  take(key: string, owner: object, timeoutMs: number): Promise<void> | null {
    const row = this.rows.get(key);
    if (row?.owner === owner) return null;
    if (!row) {
      this.rows.set(key, { owner, waiters: [] });
      this.note(key, owner);
      return null;
    }
    return new Promise((resolve, reject) => {
      let timer: Timer | undefined = undefined;
      const waiter: Waiter = {
        owner,
        granted: () => {
          timer?.cancel();
          resolve();
        },
      };
      row.waiters.push(waiter);
      timer = this.clock.after(timeoutMs, () => {
        row.waiters.splice(row.waiters.indexOf(waiter), 1);
        reject(new RowLockTimeoutError(key));
      });
    });
  }

  isLockedByAnother(key: string, owner: object): boolean {
    const row = this.rows.get(key);
    return row !== undefined && row.owner !== owner;
  }

  releaseAll(owner: object): void {
    for (const key of this.keysOf.get(owner) ?? []) {
      const row = this.rows.get(key);
      const next = row?.waiters.shift();
      if (!row || !next) {
        this.rows.delete(key);
        continue;
      }
      row.owner = next.owner;
      this.note(key, next.owner);
      next.granted();
    }
    this.keysOf.delete(owner);
  }

  private note(key: string, owner: object): void {
    const keys = this.keysOf.get(owner);
    if (keys) keys.add(key);
    else this.keysOf.set(owner, new Set([key]));
  }
}
