/**
 * The one rule that decides which lines are carried out. Pure functions: the same rule decides for one line and for
 * many, in memory, for every store.
 */
import { HeldUnits, TOO_MUCH_HELD, type Holdings } from './held-units.js';
import {
  existsFor,
  type DueLine,
  type ReservationFailure,
  type ReservationStanding,
} from './reservation.js';
import {
  QUANTITY_MAX,
  comparePlaces,
  isPossible,
  isRetryable,
  levelKey,
  movementId,
  type ClosingWrite,
  type CreatingWrite,
  type LevelLookup,
  type MovementKind,
  type Place,
  type StockFailure,
  type StockLevelState,
  type StockLine,
  type StockWrite,
  type Verdict,
} from './stock.js';

/** One line of the ledger that the decision requires. */
export interface PlannedMovement {
  readonly write: StockWrite;
  readonly line: StockLine;
  readonly kind: MovementKind;
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
  /** The level as it was read; null where it does not exist yet. */
  readonly before: StockLevelState | null;
  /** Of the quantity on hand. */
  readonly delta: number;
  /** Of the quantity held by reservations. */
  readonly reservedDelta: number;
  readonly movements: number;
}

/** The decision on one write. */
export type Decision =
  /** The verdicts of its lines, in their order. */
  | { readonly outcome: 'DECIDED'; readonly verdicts: readonly Verdict[] }
  /** Its reservation cannot be committed or released. */
  | { readonly outcome: 'REFUSED'; readonly failure: ReservationFailure };

export interface Plan {
  /** One for each write. */
  readonly decisions: readonly Decision[];
  /** In byte order of product and location, the order in which levels are locked. */
  readonly levelChanges: readonly PlannedLevelChange[];
  readonly movements: readonly PlannedMovement[];
  /** The writes whose reservation is created. */
  readonly creating: readonly CreatingWrite[];
  /** The writes whose reservation is committed or released. */
  readonly closing: readonly ClosingWrite[];
}

/** The input of a decision. */
export interface Knowledge {
  readonly level: (place: Place) => LevelLookup;
  /** The existing reservations that the writes close; EXPIRED even where no transaction has stored that yet. */
  readonly reservations: ReadonlyMap<string, ReservationStanding>;
  /** Lines of expired reservations that still hold stock: given back before anything is decided. */
  readonly due: readonly DueLine[];
  /** Null: reservations are bounded by the stock alone. */
  readonly holdings?: Holdings | null;
}

/**
 * Decides which lines are carried out, in the order of arrival, against the levels as they were read.
 *
 * A line that exceeds the available quantity is refused, and a smaller one after it may still be carried out. The lines
 * of an atomic write are decided in order, each on the state after the lines before it; if one fails, all are undone.
 */
export function decide(writes: readonly StockWrite[], knowledge: Knowledge): Plan {
  const ledger = new PendingLedger(knowledge.level);
  for (const line of knowledge.due) ledger.giveBack(line);
  const reservations = new Map(knowledge.reservations);
  const held = knowledge.holdings ? new HeldUnits(knowledge.holdings) : null;
  const creating: CreatingWrite[] = [];
  const closing: ClosingWrite[] = [];
  const decisions = writes.map((write): Decision => {
    if (write.type === 'CLOSING') {
      const found = reservations.get(write.reservationId);
      const asker = { principal: write.operation.principal, mayManage: write.mayManage };
      if (!found || !existsFor(asker, found)) return refusal({ code: 'RESERVATION_NOT_FOUND' });
      const { status } = found;
      if (status !== 'ACTIVE') return refusal({ code: 'RESERVATION_NOT_ACTIVE', status });
      reservations.set(write.reservationId, { ...found, status: write.closeAs });
    }
    const verdicts = write.atomic
      ? decideAtomic(write, ledger, held)
      : write.lines.map((line) => ledger.apply(write, line));
    if (write.type !== 'LINES' && verdicts.every(({ outcome }) => outcome === 'APPLIED')) {
      if (write.type === 'CREATING') {
        creating.push(write);
        held?.add(write.lines, write.operation.principal, 1);
      } else if (write.type === 'CLOSING') {
        closing.push(write);
        held?.add(write.lines, reservations.get(write.reservationId)?.principal ?? null, -1);
      }
    }
    return { outcome: 'DECIDED', verdicts };
  });
  return { decisions, creating, closing, ...ledger.plan() };
}

/** The plan, in which these levels are written as well, unchanged: their versions rise. */
export function withLevelsWritten(
  plan: Plan,
  places: readonly Place[],
  levelAt: (place: Place) => LevelLookup | undefined,
): Plan {
  if (places.length === 0) return plan;
  const changes = new Map(plan.levelChanges.map((change) => [levelKey(change), change]));
  for (const place of places) {
    const lookup = levelAt(place);
    if (changes.has(levelKey(place)) || lookup?.found !== 'LEVEL') continue;
    const { productId, locationId } = place;
    const nothing = { delta: 0, reservedDelta: 0, movements: 0 };
    changes.set(levelKey(place), { productId, locationId, before: lookup.level, ...nothing });
  }
  return { ...plan, levelChanges: [...changes.values()].sort(comparePlaces) };
}

function refusal(failure: ReservationFailure): Decision {
  return { outcome: 'REFUSED', failure };
}

function decideAtomic(
  write: StockWrite,
  ledger: PendingLedger,
  held: HeldUnits | null,
): readonly Verdict[] {
  const mark = ledger.mark();
  const verdicts = write.lines.map((line) => ledger.apply(write, line));
  const isGranted = verdicts.every((verdict) => verdict.outcome === 'APPLIED');
  // Only what the stock allows: so a write has either final failures or this one.
  const exceeded = isGranted && held && write.type === 'CREATING' ? held.exceededBy(write) : NONE;
  if (isGranted && exceeded.size === 0) return verdicts;
  ledger.rollbackTo(mark);
  return abortUnfailed(
    verdicts.map((verdict, i) =>
      exceeded.has(write.lines[i]?.productId ?? '') ? refused(TOO_MUCH_HELD) : verdict,
    ),
  );
}

const NONE: ReadonlySet<string> = new Set();

/** Lines of an atomic write that could be carried out are ABORTED because another line failed. */
function abortUnfailed(verdicts: readonly Verdict[]): readonly Verdict[] {
  const retryable = verdicts.every(
    (verdict) => verdict.outcome === 'APPLIED' || isRetryable(verdict.failure),
  );
  return verdicts.map((verdict) =>
    verdict.outcome === 'REFUSED'
      ? verdict
      : { outcome: 'REFUSED', failure: { code: 'ABORTED', retryable } },
  );
}

/** A level's quantities, before or after pending changes. */
interface State {
  readonly onHand: number;
  readonly reserved: number;
  readonly sequence: number;
}

/** A decided change, and the level after it. */
interface PendingChange {
  readonly stack: PendingChange[];
  readonly after: State;
  readonly movement: PlannedMovement | null;
}

interface PendingLevel {
  readonly place: Place;
  readonly found: LevelLookup;
  readonly before: State;
  readonly stack: PendingChange[];
}

/** The levels after the changes decided so far. */
class PendingLedger {
  private readonly changes: PendingChange[] = [];
  private readonly levels = new Map<string, PendingLevel>();

  constructor(private readonly lookup: (place: Place) => LevelLookup) {}

  apply(write: StockWrite, line: StockLine): Verdict {
    if (!isPossible(line)) return refused({ code: 'INVALID_QUANTITY' });
    const level = this.levelAt(line);
    if (level.found.found === 'NO_PRODUCT') return refused({ code: 'PRODUCT_NOT_FOUND' });
    if (level.found.found === 'NO_LOCATION') return refused({ code: 'LOCATION_NOT_FOUND' });
    if (isArchived(level.found) && isSale(line)) return refused({ code: 'PRODUCT_ARCHIVED' });
    const state = level.stack.at(-1)?.after ?? level.before;
    const effect = effectOf(line, state);
    if ('code' in effect) return refused(effect);

    const { delta, reservedDelta, kind } = effect;
    const after: State = {
      onHand: state.onHand + delta,
      reserved: state.reserved + reservedDelta,
      sequence: state.sequence + (kind === null ? 0 : 1),
    };
    const remaining = after.onHand - after.reserved;
    if (kind === null) {
      if (reservedDelta !== 0) this.push(level, after, null);
      return { outcome: 'APPLIED', remaining, movementId: null };
    }
    this.push(level, after, {
      write,
      line,
      kind,
      sequence: after.sequence,
      delta,
      quantityBefore: state.onHand,
      quantityAfter: after.onHand,
      availableAfter: remaining,
    });
    return { outcome: 'APPLIED', remaining, movementId: movementId(line, after.sequence) };
  }

  giveBack(line: DueLine): void {
    const level = this.levelAt(line);
    const state = level.stack.at(-1)?.after ?? level.before;
    this.push(level, { ...state, reserved: state.reserved - line.quantity }, null);
  }

  mark(): number {
    return this.changes.length;
  }

  rollbackTo(mark: number): void {
    for (const change of this.changes.splice(mark)) change.stack.pop();
  }

  plan(): Pick<Plan, 'levelChanges' | 'movements'> {
    const levelChanges: PlannedLevelChange[] = [];
    for (const { place, found, before, stack } of this.levels.values()) {
      const after = stack.at(-1)?.after;
      if (!after) continue;
      levelChanges.push({
        productId: place.productId,
        locationId: place.locationId,
        before: found.found === 'LEVEL' ? found.level : null,
        delta: after.onHand - before.onHand,
        reservedDelta: after.reserved - before.reserved,
        movements: after.sequence - before.sequence,
      });
    }
    const movements: PlannedMovement[] = [];
    for (const { movement } of this.changes) if (movement) movements.push(movement);
    return { levelChanges: levelChanges.sort(comparePlaces), movements };
  }

  private push({ stack }: PendingLevel, after: State, movement: PlannedMovement | null): void {
    const change = { stack, after, movement };
    stack.push(change);
    this.changes.push(change);
  }

  private levelAt(place: Place): PendingLevel {
    const key = levelKey(place);
    let level = this.levels.get(key);
    if (!level) {
      const found = this.lookup(place);
      level = { place, found, before: stateOf(found), stack: [] };
      this.levels.set(key, level);
    }
    return level;
  }
}

const EMPTY: State = { onHand: 0, reserved: 0, sequence: 0 };

function stateOf(found: LevelLookup): State {
  if (found.found !== 'LEVEL') return EMPTY;
  const { onHand, reserved, lastSequence } = found.level;
  return { onHand, reserved, sequence: lastSequence };
}

function isArchived(found: LevelLookup): boolean {
  if (found.found === 'LEVEL') return found.level.archived;
  return found.found === 'NO_LEVEL_YET' && found.archived;
}

/** What a buyer begins. Out of sale as well, reservations end, and the staff counts, fills and moves stock. */
function isSale({ change }: StockLine): boolean {
  return change.type === 'HOLD' || (change.type === 'TAKE' && change.kind === 'DEDUCTION');
}

interface Effect {
  readonly delta: number;
  readonly reservedDelta: number;
  /** Null where the quantity on hand does not change, so that the ledger gets no line. */
  readonly kind: MovementKind | null;
}

/** The change that a line makes to a level in this state, or the failure. */
function effectOf(
  { quantity, change }: StockLine,
  { onHand, reserved }: State,
): Effect | StockFailure {
  const available = onHand - reserved;
  switch (change.type) {
    case 'TAKE':
      if (available < quantity) return insufficient(quantity, available);
      return { delta: -quantity, reservedDelta: 0, kind: change.kind };
    case 'PUT':
      if (onHand + quantity > QUANTITY_MAX) return { code: 'INVALID_QUANTITY' };
      return { delta: quantity, reservedDelta: 0, kind: change.kind };
    case 'SET': {
      const { changeFrom } = change;
      if (changeFrom !== null && changeFrom !== onHand) {
        return { code: 'STALE_QUANTITY', expected: changeFrom, actual: onHand };
      }
      if (quantity < reserved) return insufficient(onHand - quantity, available);
      const delta = quantity - onHand;
      return { delta, reservedDelta: 0, kind: delta === 0 ? null : 'CORRECTION' };
    }
    case 'HOLD':
      if (available < quantity) return insufficient(quantity, available);
      return { delta: 0, reservedDelta: quantity, kind: null };
    case 'TAKE_HELD':
      return { delta: -quantity, reservedDelta: -quantity, kind: 'RESERVATION_COMMIT' };
    case 'FREE':
      return { delta: 0, reservedDelta: -quantity, kind: null };
  }
}

function insufficient(requested: number, available: number): StockFailure {
  return { code: 'INSUFFICIENT_STOCK', requested, available };
}

function refused(failure: StockFailure): Verdict {
  return { outcome: 'REFUSED', failure };
}
