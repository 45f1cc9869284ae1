/**
 * The vocabulary of the domain and the one rule that decides who gets what.
 *
 * - **level**: the stock of one product at one location: on hand, reserved, available = on hand - reserved.
 * - **line**: one product, location and quantity of a request; it gets one verdict.
 * - **write**: what one request wants of one transaction: lines, taken together or each by itself.
 * - **movement**: a line of the ledger: why a level changed, from what to what.
 *
 * Everything here is plain data and pure functions: the same rule decides in memory for one line or for many,
 * and can be tested without a database.
 */

export const DEFAULT_LOCATION_ID = 'default';
/** The most units of one line, and the most that a level may hold. */
export const QUANTITY_MAX = 1_000_000_000;
/** The most lines of one request. */
export const LINES_MAX = 100;

/** Ids have a form in which only bytes matter: no case folding, no accents, no spaces. */
const ID_FORM = /^[A-Za-z0-9._:-]{1,64}$/;

export function isValidId(id: string): boolean {
  return ID_FORM.test(id);
}

export function isValidQuantity(quantity: number): boolean {
  return Number.isInteger(quantity) && quantity >= 1 && quantity <= QUANTITY_MAX;
}

export type BatchMode = 'PARTIAL' | 'ALL_OR_NOTHING';
export type OperationName = 'deductStock' | 'increaseStock';
export type MovementKind =
  | 'INITIAL'
  | 'DEDUCTION'
  | 'INCREASE'
  | 'CORRECTION'
  | 'TRANSFER_OUT'
  | 'TRANSFER_IN'
  | 'RESERVATION_COMMIT';

export interface StockLine {
  /** The line's place in the request, from 0. */
  readonly index: number;
  readonly productId: string;
  readonly locationId: string;
  readonly quantity: number;
}

/** Why a line was refused. What the database decided is final; the rest may succeed when it is tried again. */
export type StockFailure =
  | { readonly code: 'INSUFFICIENT_STOCK'; readonly requested: number; readonly available: number }
  | { readonly code: 'PRODUCT_NOT_FOUND' }
  | { readonly code: 'LOCATION_NOT_FOUND' }
  | { readonly code: 'INVALID_QUANTITY' }
  | { readonly code: 'ABORTED'; readonly retryable: boolean }
  | { readonly code: 'LOCK_TIMEOUT'; readonly waitedMs: number }
  | { readonly code: 'OVERLOADED'; readonly retryAfterMs: number }
  | { readonly code: 'UNAVAILABLE'; readonly mayHaveApplied: boolean; readonly retryable: boolean };

export type StockFailureCode = StockFailure['code'];

export type Verdict =
  | { readonly outcome: 'APPLIED'; readonly remaining: number; readonly movementId: string }
  | { readonly outcome: 'REFUSED'; readonly failure: StockFailure };

/** A verdict together with where it came from: this call, or the answer that an earlier call stored. */
export type DecidedVerdict = Verdict & { readonly replayed: boolean };

/** Whether the same line may succeed if it is sent again unchanged, with the same idempotency key. */
export function isRetryable(failure: StockFailure): boolean {
  switch (failure.code) {
    case 'INSUFFICIENT_STOCK':
    case 'PRODUCT_NOT_FOUND':
    case 'LOCATION_NOT_FOUND':
    case 'INVALID_QUANTITY':
      return false;
    case 'LOCK_TIMEOUT':
    case 'OVERLOADED':
      return true;
    case 'ABORTED':
    case 'UNAVAILABLE':
      return failure.retryable;
  }
}

/** A level as it was read. `version` grows with every change, so an equal version means an equal level. */
export interface StockLevelState {
  readonly productId: string;
  readonly locationId: string;
  readonly onHand: number;
  readonly reserved: number;
  readonly lastSequence: number;
  readonly version: number;
}

/** What is known about the place that a line names. */
export type LevelLookup =
  | { readonly found: 'LEVEL'; readonly level: StockLevelState }
  /** Product and location exist, the product never had stock there. */
  | { readonly found: 'NO_LEVEL_YET' }
  | { readonly found: 'NO_PRODUCT' }
  | { readonly found: 'NO_LOCATION' };

/** What one operation wants of one transaction. */
export interface StockWrite {
  readonly operation: Operation;
  readonly direction: 'OUT' | 'IN';
  readonly kind: MovementKind;
  /** All lines or none. */
  readonly atomic: boolean;
  readonly lines: readonly StockLine[];
  readonly reason: string | null;
  readonly reference: string | null;
}

/** Who asks for what, and how the same request is recognised when it comes again. */
export interface Operation {
  readonly name: OperationName;
  /** Who asked: the principal's stable name; null where none was needed. */
  readonly principal: string | null;
  /** Idempotency keys are unique within their scope: two principals never share one. */
  readonly scope: string;
  /** The client's key; null where the client sent none. */
  readonly idempotencyKey: string | null;
  /** Identifies the effect in the ledger: derived from scope and key, or new. 32 bytes. */
  readonly id: Buffer;
  /** SHA-256 over all that must be equal when a key is used again; empty where there is no key. */
  readonly fingerprint: Buffer;
}

/** One line of the ledger that a decision wants written. */
export interface PlannedMovement {
  readonly write: StockWrite;
  readonly line: StockLine;
  readonly sequence: number;
  readonly delta: number;
  readonly quantityBefore: number;
  readonly quantityAfter: number;
  readonly availableAfter: number;
}

/** How one level changes when a plan is carried out. */
export interface PlannedLevelChange {
  readonly productId: string;
  readonly locationId: string;
  /** The level that the plan was made from; null where there is none yet. */
  readonly before: StockLevelState | null;
  readonly delta: number;
  readonly movements: number;
}

export interface Plan {
  /** For each write, the verdicts of its lines, in their order. */
  readonly verdicts: readonly (readonly Verdict[])[];
  /** In byte order of product and location: the one order in which levels are ever locked. */
  readonly levelChanges: readonly PlannedLevelChange[];
  readonly movements: readonly PlannedMovement[];
}

export function levelKey(place: { productId: string; locationId: string }): string {
  // '/' is in no id, so two different places never have the same key.
  return `${place.productId}/${place.locationId}`;
}

/** A movement's public id: derived from what it is, so that it is known before it is written. */
export function movementId(
  place: { productId: string; locationId: string },
  sequence: number,
): string {
  return `${levelKey(place)}/${sequence}`;
}

/** Ids are ASCII, so comparing UTF-16 units is comparing bytes. */
export function compareBytes(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

export function comparePlaces(
  a: { productId: string; locationId: string },
  b: { productId: string; locationId: string },
): number {
  return compareBytes(a.productId, b.productId) || compareBytes(a.locationId, b.locationId);
}

/**
 * Decides, in the order of arrival, which lines are carried out, against the levels as they were read.
 *
 * A line that is too large is refused, and a smaller one behind it may still be served. An atomic write is tried
 * line after line on top of what was decided before it; one failing line undoes it whole.
 */
export function decide(
  writes: readonly StockWrite[],
  lookup: (place: { productId: string; locationId: string }) => LevelLookup,
): Plan {
  const ledger = new PendingLedger(lookup);
  const verdicts = writes.map((write) =>
    write.atomic
      ? decideAtomic(write, ledger)
      : write.lines.map((line) => ledger.take(write, line)),
  );
  return { verdicts, ...ledger.plan() };
}

function decideAtomic(write: StockWrite, ledger: PendingLedger): readonly Verdict[] {
  const mark = ledger.mark();
  const verdicts = write.lines.map((line) => ledger.take(write, line));
  if (verdicts.every((verdict) => verdict.outcome === 'APPLIED')) return verdicts;
  ledger.rollbackTo(mark);
  return abortUnfailed(verdicts);
}

/** In an atomic write, the lines that did not fail by themselves are aborted by those that did. */
export function abortUnfailed(verdicts: readonly Verdict[]): readonly Verdict[] {
  const retryable = verdicts.every(
    (verdict) => verdict.outcome === 'APPLIED' || isRetryable(verdict.failure),
  );
  return verdicts.map((verdict) =>
    verdict.outcome === 'REFUSED'
      ? verdict
      : { outcome: 'REFUSED', failure: { code: 'ABORTED', retryable } },
  );
}

/** The levels as they would be after the movements decided so far. */
class PendingLedger {
  private readonly movements: PlannedMovement[] = [];
  private readonly befores = new Map<string, LevelLookup>();
  private readonly latest = new Map<string, PlannedMovement[]>();

  constructor(
    private readonly lookup: (place: { productId: string; locationId: string }) => LevelLookup,
  ) {}

  take(write: StockWrite, line: StockLine): Verdict {
    if (!isValidQuantity(line.quantity)) return refused({ code: 'INVALID_QUANTITY' });
    const before = this.before(line);
    if (before.found === 'NO_PRODUCT') return refused({ code: 'PRODUCT_NOT_FOUND' });
    if (before.found === 'NO_LOCATION') return refused({ code: 'LOCATION_NOT_FOUND' });

    const level = before.found === 'LEVEL' ? before.level : EMPTY_LEVEL;
    const stack = this.stackOf(line);
    const last = stack.at(-1);
    const onHand = last?.quantityAfter ?? level.onHand;
    const available = onHand - level.reserved;
    if (write.direction === 'OUT' && available < line.quantity) {
      return refused({ code: 'INSUFFICIENT_STOCK', requested: line.quantity, available });
    }
    if (write.direction === 'IN' && onHand + line.quantity > QUANTITY_MAX) {
      return refused({ code: 'INVALID_QUANTITY' });
    }

    const delta = write.direction === 'OUT' ? -line.quantity : line.quantity;
    const movement: PlannedMovement = {
      write,
      line,
      sequence: (last?.sequence ?? level.lastSequence) + 1,
      delta,
      quantityBefore: onHand,
      quantityAfter: onHand + delta,
      availableAfter: available + delta,
    };
    stack.push(movement);
    this.movements.push(movement);
    return {
      outcome: 'APPLIED',
      remaining: movement.availableAfter,
      movementId: movementId(line, movement.sequence),
    };
  }

  mark(): number {
    return this.movements.length;
  }

  rollbackTo(mark: number): void {
    for (const movement of this.movements.splice(mark).reverse()) this.stackOf(movement.line).pop();
  }

  plan(): Pick<Plan, 'levelChanges' | 'movements'> {
    const levelChanges: PlannedLevelChange[] = [];
    for (const [key, stack] of this.latest) {
      const first = stack[0];
      const last = stack.at(-1);
      if (!first || !last) continue;
      const before = this.befores.get(key);
      levelChanges.push({
        productId: first.line.productId,
        locationId: first.line.locationId,
        before: before?.found === 'LEVEL' ? before.level : null,
        delta: last.quantityAfter - first.quantityBefore,
        movements: stack.length,
      });
    }
    return { levelChanges: levelChanges.sort(comparePlaces), movements: this.movements };
  }

  private before(place: { productId: string; locationId: string }): LevelLookup {
    const key = levelKey(place);
    let found = this.befores.get(key);
    if (!found) {
      found = this.lookup(place);
      this.befores.set(key, found);
    }
    return found;
  }

  private stackOf(place: { productId: string; locationId: string }): PlannedMovement[] {
    const key = levelKey(place);
    let stack = this.latest.get(key);
    if (!stack) {
      stack = [];
      this.latest.set(key, stack);
    }
    return stack;
  }
}

const EMPTY_LEVEL = { onHand: 0, reserved: 0, lastSequence: 0 } as const;

function refused(failure: StockFailure): Verdict {
  return { outcome: 'REFUSED', failure };
}
