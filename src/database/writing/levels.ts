/**
 * Reads the input of a decision: levels, the reservations that the writes close, and the due lines of the same
 * products: lines of expired reservations that still hold units.
 *
 * Reservations are locked before levels, in every transaction. So levels are first read without locks, or recalled from
 * memory, to find the products that can have due lines; where levels are locked, due lines are read for all products.
 */
import { holderKey, type Holdings } from '../../inventory/held-units.js';
import type { DueLine } from '../../inventory/reservation.js';
import {
  compareBytes,
  comparePlaces,
  isPossible,
  levelKey,
  type LevelLookup,
  type Place,
  type StockWrite,
} from '../../inventory/stock.js';
import type { Attempt } from './known.js';
import type { LockedReservation } from './reservation-statements.js';

export interface Findings {
  readonly levels: Map<string, LevelLookup>;
  /** Unlocked levels that may have changed: they must be read again before a caller is refused because of them. */
  readonly unsure: readonly Place[];
  /** Products with all their due lines in `due`. */
  readonly swept: ReadonlySet<string>;
  readonly reservations: ReadonlyMap<string, LockedReservation>;
  readonly due: readonly DueLine[];
  /** Null where no write is bounded by them. */
  readonly holdings: Holdings | null;
}

/** More reservations of these products have expired than one transaction gives back. It is rolled back. */
export class ManyDueError extends Error {
  constructor(readonly productIds: readonly string[]) {
    super(
      `More than ${GIVE_BACK_MAX} reservations of ${productIds.length} product(s) have expired.`,
    );
    this.name = 'ManyDueError';
  }
}

/** The most expired reservations that one transaction gives back. */
const GIVE_BACK_MAX = 1_000;

/** @throws ManyDueError */
export async function lookUp(attempt: Attempt, writes: readonly StockWrite[]): Promise<Findings> {
  const places = new Map<string, Place>();
  for (const write of writes) {
    for (const line of write.lines) if (isPossible(line)) places.set(levelKey(line), line);
  }
  const levels = new Map<string, LevelLookup>();
  const unsure = attempt.rowsAreLocked
    ? []
    : await lookUpUnlocked(attempt, [...places.values()].sort(comparePlaces), levels);
  const swept = productsToSweep(attempt, writes, levels);
  const { reservations, due } = await lockReservations(attempt, writes, swept);
  for (const line of due) places.set(levelKey(line), line);
  for (const place of await placesOfHolders(attempt)) places.set(levelKey(place), place);
  const unknown = [...places.values()].filter((place) => !levels.has(levelKey(place)));
  await readLevels(attempt, unknown.sort(comparePlaces), levels);
  const holdings = await countHoldings(attempt);
  return { levels, unsure, swept, reservations, due, holdings };
}

/** All levels of the products of which a principal's units are bounded: they are locked, wherever it holds some. */
async function placesOfHolders({ stock, known }: Attempt): Promise<readonly Place[]> {
  return known.holders ? stock.readPlaces(known.holders.productIds) : [];
}

/** After the levels were locked, so that it sees what every earlier transaction holds. */
async function countHoldings({ reservations, known }: Attempt): Promise<Holdings | null> {
  const { holders, heldUnitsMax: unitsMax } = known;
  if (!holders || unitsMax === null) return null;
  const held = await reservations.countHeld(holders);
  return {
    unitsMax,
    units: new Map(held.map((row) => [holderKey(row.productId, row.principal), row.units])),
  };
}

/** Reads the levels of the places, in their order, and for a missing level the reason. */
export async function readLevels(
  attempt: Attempt,
  places: readonly Place[],
  into: Map<string, LevelLookup>,
): Promise<void> {
  if (places.length === 0) return;
  const { stock, rowsAreLocked, known } = attempt;
  for (const place of places) into.delete(levelKey(place));
  for (const level of await stock.readLevels(places, { lock: rowsAreLocked })) {
    into.set(levelKey(level), { found: 'LEVEL', level });
    known.memory.found(level, known.options.fencingTokenOf(level.productId));
  }
  const unknown = places.filter((place) => !into.has(levelKey(place)));
  if (unknown.length > 0) await explainMissing(attempt, unknown, into);
}

export function hasReserved(lookup: LevelLookup | undefined): boolean {
  return lookup?.found === 'LEVEL' && lookup.level.reserved > 0;
}

/** @returns the levels that may have changed since. */
async function lookUpUnlocked(
  attempt: Attempt,
  sorted: readonly Place[],
  levels: Map<string, LevelLookup>,
): Promise<Place[]> {
  const { memory, options } = attempt.known;
  const recalled: Place[] = [];
  const read: Place[] = [];
  for (const place of sorted) {
    const level = memory.recall(place, options.fencingTokenOf(place.productId));
    if (level) levels.set(levelKey(place), { found: 'LEVEL', level });
    (level ? recalled : read).push(place);
  }
  await readLevels(attempt, read, levels);
  // Between this read and that of the due lines, another transaction may release the reserved units.
  return [...recalled, ...read.filter((place) => hasReserved(levels.get(levelKey(place))))];
}

/** Products that may have due lines: only products with reserved units can. */
function productsToSweep(
  { rowsAreLocked }: Attempt,
  writes: readonly StockWrite[],
  levels: ReadonlyMap<string, LevelLookup>,
): ReadonlySet<string> {
  const products = new Set<string>();
  for (const { type, productIds, lines } of writes) {
    if (type === 'SWEEPING') for (const id of productIds) products.add(id);
    for (const line of lines) {
      const isSuspect = rowsAreLocked || hasReserved(levels.get(levelKey(line)));
      if (isSuspect && isPossible(line)) products.add(line.productId);
    }
  }
  return products;
}

/** @throws ManyDueError */
async function lockReservations(
  { reservations: statements }: Attempt,
  writes: readonly StockWrite[],
  swept: ReadonlySet<string>,
): Promise<Pick<Findings, 'reservations' | 'due'>> {
  const closing = writes.flatMap((write) => (write.type === 'CLOSING' ? write.reservationId : []));
  const productIds = [...swept];
  const dueIds =
    productIds.length > 0 ? await statements.readDue(productIds, GIVE_BACK_MAX + 1) : [];
  if (dueIds.length > GIVE_BACK_MAX) {
    if (writes.some(({ type }) => type !== 'SWEEPING')) throw new ManyDueError(productIds);
    dueIds.length = GIVE_BACK_MAX;
  }
  const ids = [...new Set([...closing, ...dueIds])].sort(compareBytes);
  if (ids.length === 0) return { reservations: new Map(), due: [] };
  const locked = await statements.lock(ids);
  const reservations = new Map(locked.map((reservation) => [reservation.id, reservation]));
  // A reservation that was committed or released since that read holds nothing.
  const over = dueIds.filter((id) => reservations.get(id)?.status === 'EXPIRED');
  const due = over.length > 0 ? await statements.readHeldLines(over, productIds) : [];
  return { reservations, due };
}

async function explainMissing(
  { stock }: Attempt,
  places: readonly Place[],
  into: Map<string, LevelLookup>,
): Promise<void> {
  const productIds = [...new Set(places.map(({ productId }) => productId))];
  const locationIds = [...new Set(places.map(({ locationId }) => locationId))];
  const products = await stock.readProducts(productIds);
  const locations = await stock.readLocations(locationIds);
  for (const place of places) {
    const product = products.get(place.productId);
    const found: LevelLookup = !product
      ? { found: 'NO_PRODUCT' }
      : !locations.has(place.locationId)
        ? { found: 'NO_LOCATION' }
        : { found: 'NO_LEVEL_YET', ...product };
    into.set(levelKey(place), found);
  }
}
