/**
 * StockStore in memory, for simulations and tests without services. It decides by the same rule as the store on MySQL
 * and keeps the same contract: test/support/stock-store-contract.ts tests both.
 *
 * Each simulated process has a store of its own over the MemoryDatabase that they share. A transaction takes steps, and
 * other transactions may take theirs in between. Rows are locked in one order: operations, reservations, levels, each
 * ascending. The first attempt reads levels without locking them and changes them only if their versions are still the
 * same; later attempts lock before they read.
 */
import { decide, type Decision, type Plan } from '../inventory/decision.js';
import { WITHDRAWN, isDoubtful } from '../inventory/delegated-write.js';
import { holdersOf, type Holders } from '../inventory/held-units.js';
import type { DueLine, ReservationStanding } from '../inventory/reservation.js';
import { asReserved, toReservedItem } from '../inventory/reservation.js';
import type { StockChanges } from '../inventory/stock-changes.js';
import {
  compareBytes,
  isPossible,
  levelKey,
  mayChange,
  movementId,
  type DecidedVerdict,
  type LevelLookup,
  type Place,
  type StockLevelState,
  type StockWrite,
} from '../inventory/stock.js';
import {
  RowsLockedError,
  type ApplyOptions,
  type StockStore,
  type WriteResult,
} from '../inventory/stock-store.js';
import { Backoff } from '../time/backoff.js';
import type { Clock, Random, Timer } from '../time/clock.js';
import type { MemoryDatabase, MemoryTransaction, StoredOperation } from './memory-database.js';
import {
  ATTEMPTS_MAX,
  ATTEMPT_MIN_MS,
  BACKOFF,
  DuplicateError,
  LostRaceError,
  faultOf,
  openPart,
  operationKeyOf,
  undecided,
  withWithdrawnLevels,
  type AnsweredBefore,
  type Applied,
  type Attempt,
  type Claim,
} from './memory-store-parts.js';
import type { TransactionFaults, TransactionStep } from './transaction-faults.js';
import { ConnectionLostError } from './transaction-faults.js';

export interface MemoryStockStoreSettings {
  readonly clock: Clock;
  readonly random: Random;
  readonly faults?: TransactionFaults | undefined;
  /** Receives the changed levels after each COMMIT. */
  readonly changes?: StockChanges | undefined;
  /** How long a transaction waits for a locked row, in milliseconds. */
  readonly lockWaitMs?: number | undefined;
  /** The most units of one product that one principal may hold; undefined: no bound. */
  readonly heldUnitsMax?: number | undefined;
}

const LOCK_WAIT_MS = 2_000;

export class MemoryStockStore implements StockStore {
  constructor(
    private readonly database: MemoryDatabase,
    private readonly settings: MemoryStockStoreSettings,
  ) {}

  async apply(
    writes: readonly StockWrite[],
    options: ApplyOptions,
  ): Promise<readonly WriteResult[]> {
    const { clock, random, changes } = this.settings;
    const startedMs = clock.nowMs();
    const began = clock.today();
    const answeredBefore: AnsweredBefore = new Map();
    const backoff = new Backoff(BACKOFF, random);
    const isInDoubt = writes.some(isDoubtful);
    let settling = false;
    let metDuplicate = false;
    let rowsWereLocked = options.rowsWereLocked ?? false;
    for (let number = 1; ; number += 1) {
      const transaction = this.database.begin();
      const progress = { commitSent: false };
      const rowsAreLocked =
        options.contended || number > 1 || this.holdersOf(writes) !== null || isInDoubt;
      const mayHaveLeftTraces = settling || metDuplicate;
      const doubts = { mayHaveLeftTraces, tracesAreSought: mayHaveLeftTraces || isInDoubt };
      const attempt = { transaction, options, rowsAreLocked, ...doubts, answeredBefore };
      try {
        const applied = await this.attempt(attempt, writes, progress);
        if (settling) changes?.uncertain(began);
        changes?.committed(applied.levels);
        return applied.results;
      } catch (error) {
        if (!progress.commitSent) transaction.rollback();
        const isLate = options.deadline.hasPassed;
        const kind = faultOf(error);
        const fault = isLate ? 'UNREACHABLE' : kind;
        if (progress.commitSent) settling = true;
        metDuplicate ||= error instanceof DuplicateError;
        if (options.impatient && fault === 'ROWS_LOCKED' && !settling) {
          throw new RowsLockedError(error, this.lockedProducts(writes, transaction));
        }
        const isFirstLoss = fault === 'LOST_RACE' && number === 1;
        const pauseMs = isFirstLoss ? 0 : backoff.nextMs();
        const timeIsUp = pauseMs + ATTEMPT_MIN_MS > options.deadline.leftMs;
        rowsWereLocked = fault === 'ROWS_LOCKED' || (rowsWereLocked && isLate);
        if (timeIsUp || (!settling && number >= ATTEMPTS_MAX[fault])) {
          if (settling) changes?.uncertain(began);
          const waitedMs = Math.round(clock.nowMs() - startedMs);
          const isLocked = rowsWereLocked && !settling;
          return writes.map((write) => undecided(write, { isLocked, waitedMs, settling }));
        }
        if (pauseMs > 0) await new Promise<void>((resolve) => clock.after(pauseMs, resolve));
      }
    }
  }

  /** Whether a level that was read without a lock is unchanged. Reads without locks are safe because of this check. */
  protected isStillAsRead(read: StockLevelState, current: StockLevelState): boolean {
    return read.version === current.version;
  }

  private async attempt(
    attempt: Attempt,
    writes: readonly StockWrite[],
    progress: { commitSent: boolean },
  ): Promise<Applied> {
    const { transaction } = attempt;
    await this.step('CLAIM', attempt);
    let claims = await this.claim(attempt, writes);
    const found = await this.lookUp(attempt, claims.map(openPart));
    if (attempt.tracesAreSought) claims = claims.map((claim) => this.withTraces(claim));
    const decided = decide(claims.map(openPart), found);
    const plan = withWithdrawnLevels(decided, claims, found.level);
    const missing = plan.levelChanges.filter(({ before }) => before === null);
    if (missing.length > 0) {
      this.database.createLevels(missing);
      throw new LostRaceError('Levels had to be created.');
    }
    await this.step('WRITE', attempt);
    const keys = plan.levelChanges.map((change) => `level/${levelKey(change)}`);
    await transaction.lock(keys, this.lockWaitMs(attempt));
    const levels = this.changedLevels(plan);
    const isNews = ({ write, withdrawn }: Claim) => !withdrawn && this.isWithdrawn(write);
    if (levels.length > 0 && claims.some(isNews)) {
      throw new LostRaceError('A later attempt at a write has been decided.');
    }
    if (this.database.hasAnyOf(plan)) throw new DuplicateError('Another process has applied it.');
    // The token at the time of the ledger statement, as in the store on MySQL, not at COMMIT.
    const tokens = plan.movements.map(({ line }) => attempt.options.fencingTokenOf(line.productId));
    transaction.onCommit(() => {
      this.carryOut(tokens, claims, plan, levels, found.due);
    });
    await this.step('COMMIT', attempt);
    this.commit(attempt, progress);
    const results = claims.map((claim, i) => this.answer(claim, plan.decisions[i]));
    return { results, levels };
  }

  private async claim(attempt: Attempt, writes: readonly StockWrite[]): Promise<readonly Claim[]> {
    const keys = new Set(writes.flatMap((write) => operationKeyOf(write) ?? []));
    const sorted = [...keys].sort(compareBytes);
    await attempt.transaction.lock(
      sorted.map((key) => `operation/${key}`),
      this.lockWaitMs(attempt),
    );
    return writes.map((given): Claim => {
      const key = operationKeyOf(given);
      const earlier = key === null ? undefined : this.database.operations.get(key);
      const write = earlier ? asReserved(given, earlier) : given;
      const withdrawn = attempt.rowsAreLocked && this.isWithdrawn(write);
      const none = { reused: null, refused: null, decided: new Map<number, DecidedVerdict>() };
      const open: Claim = { write, key, withdrawn, ...none };
      if (key === null || !earlier) return open;
      const { name, fingerprint } = write.operation;
      const isSame = earlier.name === name && earlier.fingerprint.equals(fingerprint);
      if (!isSame) return { ...open, reused: 'BY_ANOTHER' };
      if (earlier.answerExpired) return { ...open, reused: 'EXPIRED' };
      const stored = earlier.refused ? new Set([0]) : new Set(earlier.answers.keys());
      // Answers that are found after a lost COMMIT may be this call's own: they are no replays.
      if (!attempt.mayHaveLeftTraces && this.isEarlierRequests(write, earlier)) {
        attempt.answeredBefore.set(key, stored);
      }
      const wasAnswered = (index: number) => attempt.answeredBefore.get(key)?.has(index) ?? false;
      if (earlier.refused) {
        return { ...open, refused: { failure: earlier.refused, replayed: wasAnswered(0) } };
      }
      const decided = new Map<number, DecidedVerdict>();
      for (const { index } of write.lines) {
        const verdict = earlier.answers.get(index);
        if (verdict) decided.set(index, { ...verdict, replayed: wasAnswered(index) });
      }
      return { ...open, decided };
    });
  }

  /** Whether the stored answers are of an earlier request, and not of an attempt at this one. */
  private isEarlierRequests(write: StockWrite, earlier: StoredOperation): boolean {
    if (!isDoubtful(write)) return true;
    return this.database.ageMsOf(earlier) > (write.delegated?.ageMs ?? 0);
  }

  /** Whether a later attempt at the write has been decided. */
  protected isWithdrawn(write: StockWrite): boolean {
    const { delegated } = write;
    return (
      delegated !== undefined &&
      (this.database.withdrawn.get(delegated.call) ?? 0) > delegated.attempt
    );
  }

  /** Locks reservations, then levels where this attempt locks before it reads; then reads all rows at once. */
  private async lookUp(attempt: Attempt, writes: readonly StockWrite[]) {
    const { database } = this;
    const { transaction, rowsAreLocked } = attempt;
    await this.step('READ', attempt);
    const places = new Map(
      writes.flatMap(({ lines }) => lines.filter(isPossible).map((line) => [levelKey(line), line])),
    );
    const closing = writes.flatMap((w) => (w.type === 'CLOSING' ? [w.reservationId] : []));
    const productIds = new Set([...places.values()].map(({ productId }) => productId));
    for (const write of writes) {
      if (write.type === 'SWEEPING') for (const id of write.productIds) productIds.add(id);
    }
    const dueIds = database.dueLines(productIds).map(({ reservationId }) => reservationId);
    const locked = new Set([...closing, ...dueIds]);
    const reservationKeys = [...locked].sort(compareBytes).map((id) => `reservation/${id}`);
    await transaction.lock(reservationKeys, this.lockWaitMs(attempt));
    if (rowsAreLocked) {
      const held = new Set(places.keys());
      for (const line of database.dueLines(productIds)) held.add(levelKey(line));
      for (const key of database.levelKeysOf(this.holdersOf(writes)?.productIds)) held.add(key);
      const levelKeys = [...held].sort(compareBytes).map((key) => `level/${key}`);
      await transaction.lock(levelKeys, this.lockWaitMs(attempt));
    }
    const levels = new Map<string, LevelLookup>();
    for (const [key, place] of places) levels.set(key, database.lookUp(place));
    const due = database.dueLines(productIds);
    for (const line of due) levels.set(levelKey(line), database.lookUp(line));
    // A reservation that expired meanwhile is not locked, and can't be locked in order now.
    if (due.some(({ reservationId }) => !locked.has(reservationId))) {
      throw new LostRaceError('A reservation has expired meanwhile.');
    }
    const reservations = new Map<string, ReservationStanding>();
    for (const id of closing) {
      const stored = database.reservations.get(id);
      if (!stored) continue;
      const { principal } = stored;
      reservations.set(id, { status: database.statusOf(stored), principal });
    }
    const level = (place: Place): LevelLookup =>
      levels.get(levelKey(place)) ?? database.lookUp(place);
    const { heldUnitsMax: unitsMax } = this.settings;
    const holdings = unitsMax === undefined ? null : { unitsMax, units: database.heldUnits() };
    return { level, reservations, due, holdings };
  }

  private holdersOf(writes: readonly StockWrite[]): Holders | null {
    return this.settings.heldUnitsMax === undefined ? null : holdersOf(writes);
  }

  /** Finds the effects of an earlier attempt of this call, whose COMMIT was not answered, by operation id. */
  protected withTraces(claim: Claim): Claim {
    const { write, key } = claim;
    if (key !== null) return claim;
    const { operation, lines } = write;
    const decided = new Map(claim.decided);
    const reservation =
      'reservationId' in write ? this.database.reservations.get(write.reservationId) : undefined;
    const isDone =
      reservation !== undefined &&
      (write.type === 'CREATING' || reservation.closedBy?.equals(operation.id) === true);
    for (const { index } of isDone ? lines : []) {
      decided.set(index, { outcome: 'APPLIED', remaining: 0, movementId: null, replayed: false });
    }
    for (const trace of this.database.ledger) {
      if (!trace.operationId.equals(operation.id)) continue;
      decided.set(trace.lineIndex, {
        outcome: 'APPLIED',
        remaining: trace.availableAfter,
        movementId: movementId(trace, trace.sequence),
        replayed: false,
      });
    }
    return { ...claim, decided };
  }

  /** @throws LostRaceError where a level has changed since it was read. The rows are locked by now. */
  private changedLevels(plan: Plan): readonly StockLevelState[] {
    return plan.levelChanges.map((change) => {
      const current = this.database.levels.get(levelKey(change));
      if (!current || !change.before || !this.isStillAsRead(change.before, current)) {
        throw new LostRaceError(`Level ${levelKey(change)} has changed since it was read.`);
      }
      return {
        ...current,
        onHand: current.onHand + change.delta,
        reserved: current.reserved + change.reservedDelta,
        lastSequence: current.lastSequence + change.movements,
        version: current.version + 1,
      };
    });
  }

  private carryOut(
    tokens: readonly (bigint | null)[],
    claims: readonly Claim[],
    plan: Plan,
    levels: readonly StockLevelState[],
    due: readonly DueLine[],
  ): void {
    const { database } = this;
    for (const level of levels) database.levels.set(levelKey(level), level);
    for (const { reservationId, lineIndex } of due) {
      const reservation = database.reservations.get(reservationId);
      if (!reservation) continue;
      database.endHolding(reservation, [lineIndex]);
      if (reservation.status === 'ACTIVE') reservation.status = 'EXPIRED';
    }
    for (const [i, { write, line, ...movement }] of plan.movements.entries()) {
      const { operation, reason, reference } = write;
      database.append({
        ...movement,
        productId: line.productId,
        locationId: line.locationId,
        operationId: operation.id,
        lineIndex: line.index,
        idempotencyKey: operation.idempotencyKey,
        reason,
        reference,
        principal: operation.principal,
        fencingToken: tokens[i] ?? null,
        committedMs: database.clock.nowMs(),
      });
    }
    for (const { write } of claims) if (isDoubtful(write)) this.withdrawEarlier(write);
    for (const { reservationId, closeAs, operation } of plan.closing) {
      const reservation = database.reservations.get(reservationId);
      if (!reservation) continue;
      reservation.status = closeAs;
      reservation.closedBy = operation.id;
      database.endHolding(reservation, [...reservation.holding]);
    }
    this.createReservations(plan);
    this.storeAnswers(claims, plan.decisions);
  }

  private withdrawEarlier({ delegated }: StockWrite): void {
    if (!delegated) return;
    const { withdrawn } = this.database;
    const { call, attempt } = delegated;
    withdrawn.set(call, Math.max(withdrawn.get(call) ?? 0, attempt));
  }

  private createReservations(plan: Plan): void {
    const createdAt = this.settings.clock.today();
    for (const { reservationId, ttlSeconds, reference, lines, operation } of plan.creating) {
      this.database.addReservation({
        id: reservationId,
        status: 'ACTIVE',
        items: lines.map(toReservedItem),
        createdAt,
        expiresAt: new Date(createdAt.getTime() + ttlSeconds * 1_000),
        reference,
        principal: operation.principal,
        closedBy: null,
        holding: new Set(lines.keys()),
      });
    }
  }

  private storeAnswers(claims: readonly Claim[], decisions: readonly Decision[]): void {
    const { operations, clock } = this.database;
    for (const [i, claim] of claims.entries()) {
      const decision = decisions[i];
      const { key, write } = claim;
      if (key === null || claim.reused || claim.withdrawn || !decision) continue;
      let stored = operations.get(key);
      if (!stored) {
        const { name, fingerprint } = write.operation;
        const createdAtMs = clock.today().getTime();
        const fresh = { answerExpired: false, refused: null, answers: new Map() };
        const reservationId = write.type === 'CREATING' ? write.reservationId : null;
        const createdMs = this.database.clock.nowMs();
        stored = { name, fingerprint, reservationId, createdAtMs, createdMs, ...fresh };
        operations.set(key, stored);
      }
      if (decision.outcome === 'REFUSED') {
        stored.refused = decision.failure;
        continue;
      }
      if (write.type === 'CREATING' && decision.verdicts.some(mayChange)) continue;
      for (const [at, { index }] of openPart(claim).lines.entries()) {
        const verdict = decision.verdicts[at];
        if (verdict) stored.answers.set(index, verdict);
      }
    }
  }

  private commit({ transaction }: Attempt, progress: { commitSent: boolean }): void {
    const fate = this.settings.faults?.commit?.() ?? { answer: 'OK' };
    if (fate.answer === 'OK') {
      transaction.commit();
      return;
    }
    progress.commitSent = true;
    const end = () => {
      if (fate.applied) transaction.commit();
      else transaction.rollback();
    };
    // The database ends the transaction even if the process has died.
    if (fate.afterMs > 0) this.database.clock.after(fate.afterMs, end);
    else end();
    throw new ConnectionLostError();
  }

  private answer(claim: Claim, decision: Decision | undefined): WriteResult {
    const { write, reused, refused, decided } = claim;
    if (reused) return { outcome: 'KEY_REUSED', answerExpired: reused === 'EXPIRED' };
    if (refused) return { outcome: 'REFUSED', ...refused };
    if (claim.withdrawn) return WITHDRAWN;
    if (!decision) throw new Error('A write was not decided.');
    if (decision.outcome === 'REFUSED') return { ...decision, replayed: false };
    const fresh = decision.verdicts.values();
    const verdicts = write.lines.map((line): DecidedVerdict => {
      const earlier = decided.get(line.index);
      if (earlier) return earlier;
      const { value } = fresh.next();
      if (!value) throw new Error(`Line ${line.index} was given no verdict.`);
      return { ...value, replayed: false };
    });
    const isApplied = verdicts.every(({ outcome }) => outcome === 'APPLIED');
    if (write.type !== 'CREATING' || !isApplied) return { outcome: 'DECIDED', verdicts };
    const reservation = this.database.reservationNow(write.reservationId) ?? undefined;
    return { outcome: 'DECIDED', verdicts, reservation };
  }

  private lockWaitMs({ options }: Attempt): number {
    const leftMs = options.deadline.leftMs;
    return Math.max(0, Math.min(this.settings.lockWaitMs ?? LOCK_WAIT_MS, leftMs));
  }

  private lockedProducts(
    writes: readonly StockWrite[],
    owner: MemoryTransaction,
  ): ReadonlySet<string> {
    const lines = writes.flatMap((write) => write.lines.filter(isPossible));
    const { locks } = this.database;
    const locked = lines.filter((line) =>
      locks.isLockedByAnother(`level/${levelKey(line)}`, owner),
    );
    return new Set(locked.map(({ productId }) => productId));
  }

  /** @throws ConnectionLostError at the deadline, or when the simulation injects it. */
  private async step(step: TransactionStep, { options }: Attempt): Promise<void> {
    const waiting = this.settings.faults?.before?.(step);
    const { clock } = this.settings;
    if (waiting) {
      let timer: Timer | undefined;
      const deadline = new Promise<never>((_, reject) => {
        timer = clock.after(options.deadline.leftMs, () => {
          reject(new ConnectionLostError());
        });
      });
      try {
        await Promise.race([waiting, deadline]);
      } finally {
        timer?.cancel();
      }
    }
    if (options.deadline.hasPassed) throw new ConnectionLostError();
  }
}
