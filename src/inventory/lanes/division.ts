/**
 * Divides a batch whose transaction fails, until no entry fails or waits because of another entry's line.
 *
 * A transaction may fail for one line that the database does not accept, or for a row that another session keeps
 * locked. It is rolled back as a whole. The entries of a product stay in the order of the batch, and products
 * whose rows are locked, or may be, go last. A product that is refused by itself is followed by a pause: a store may
 * refuse locked rows at once, and the loop would otherwise retry locked products without a pause.
 */
import type { Clock } from '../../time/clock.js';
import { RowsLockedError } from '../stock-store.js';
import type { LaneEntry } from './lane-entry.js';

/** The entries of one transaction. */
export interface Part {
  readonly entries: readonly LaneEntry[];
  /** A row that this part may need was locked when an earlier attempt wanted it. */
  readonly rowsWereLocked: boolean;
  /** Other entries wait for this part, so it must not wait for a locked row: RowsLockedError instead. */
  readonly impatient: boolean;
}

const LOCKED_PAUSE_MS = 10;

/** @param apply answers all entries of the part, or throws after it was rolled back. */
export async function applyDivided(
  entries: readonly LaneEntry[],
  apply: (part: Part) => Promise<void>,
  clock: Clock,
): Promise<void> {
  const open: Rest[] = entries.length > 0 ? [{ entries, rowsWereLocked: false }] : [];
  for (let rest = open.shift(); rest; rest = open.shift()) {
    const impatient = open.length > 0 || productsOf(rest).length > 1;
    try {
      await apply({ ...rest, impatient });
    } catch (error) {
      if (error instanceof RowsLockedError) {
        const isDivisible = productsOf(rest).length > 1;
        putOff(rest, error.productIds, open);
        if (!isDivisible)
          await new Promise<void>((resolve) => clock.after(LOCKED_PAUSE_MS, resolve));
      } else {
        halve(rest, error, open);
      }
    }
  }
}

type Rest = Omit<Part, 'impatient'>;

/** An entry that fails alone caused the failure. */
function halve({ entries, rowsWereLocked }: Rest, error: unknown, open: Rest[]): void {
  const middle = entries.length >> 1;
  if (middle === 0) {
    entries[0]?.fail(error);
    return;
  }
  const halves = [entries.slice(0, middle), entries.slice(middle)];
  open.unshift(...halves.map((half) => ({ entries: half, rowsWereLocked })));
}

/**
 * Free products go first and locked ones last. Where it is not known which are locked, the products are divided into
 * two halves, both last. A single product stays whole.
 */
function putOff(rest: Rest, locked: ReadonlySet<string>, open: Rest[]): void {
  const [free, others] = split(rest, (id) => !locked.has(id));
  if (free.entries.length > 0 && others.entries.length > 0) {
    open.unshift(free);
    open.push(others);
    return;
  }
  const products = productsOf(rest);
  const firstHalf = new Set(products.slice(0, products.length >> 1));
  const halves = split(rest, (id) => firstHalf.has(id));
  open.push(...halves.filter(({ entries }) => entries.length > 0));
}

function split({ entries }: Rest, isFirst: (productId: string) => boolean): [Rest, Rest] {
  const first = entries.filter((entry) => isFirst(productOf(entry)));
  const second = entries.filter((entry) => !isFirst(productOf(entry)));
  return [
    { entries: first, rowsWereLocked: true },
    { entries: second, rowsWereLocked: true },
  ];
}

function productsOf({ entries }: Rest): string[] {
  return [...new Set(entries.map(productOf))];
}

/** Each entry of a lane has one product. */
function productOf({ write }: LaneEntry): string {
  return write.productIds[0] ?? '';
}
