/**
 * Where in the ledger a moment is. No index has the moments of entries, because each deduction would pay for it. But
 * entries get their numbers in the order in which they are written, so the numbers are searched: a few statements with
 * reads by the primary key, whatever the size of the ledger.
 *
 * The order is not exact: an entry has the moment at which its statement began, and its number from a moment later. So
 * what is found is widened by DISORDER_MAX_MS, which no statement lasts, and the entries' moments are compared as well.
 */
import type { Deadline } from '../../time/deadline.js';
import type { Reader } from '../reader.js';

/** Of two entries the one with the greater number is at most so much older. */
const DISORDER_MAX_MS = 60_000;
/** The last moment of MySQL. */
const LAST_MS = Date.UTC(9999, 11, 31, 23, 59, 59, 999);
/** Numbers that are probed by one statement. */
const PROBES = 32;
/** Not searched any further: so few entries cost less than another statement. */
const NARROW = 200;

export interface Moments {
  readonly since?: Date | undefined;
  readonly until?: Date | undefined;
}

/** Bounds of entries' numbers that leave out nothing; null where there is none. */
export interface EntryRange {
  readonly from: number | null;
  readonly to: number | null;
}

interface Probe {
  /** The number that was probed. */
  readonly number: number;
  /** The next entry from there on. */
  readonly entry: number;
  readonly isBefore: number;
}

/** @throws StorageUnavailableError */
export async function entriesWithin(
  reader: Reader,
  { since, until }: Moments,
  deadline: Deadline,
): Promise<EntryRange> {
  const from = since && (await search(reader, shifted(since, -DISORDER_MAX_MS), deadline)).before;
  const to = until && (await search(reader, shifted(until, DISORDER_MAX_MS), deadline)).behind;
  return { from: from ?? null, to: to ?? null };
}

/** An entry that is older than the moment, and a later one that is not, with few between them. */
async function search(
  reader: Reader,
  moment: Date,
  deadline: Deadline,
): Promise<{ readonly before: number | null; readonly behind: number | null }> {
  let [before, behind]: (number | null)[] = [null, null];
  const [ends] = await reader.list<{ least: number | null; greatest: number | null }>(
    'SELECT MIN(entry) AS least, MAX(entry) AS greatest FROM stock_movements',
    [],
    deadline,
  );
  // Of the entries between these numbers nothing is known.
  let [low, high] = [(ends?.least ?? 0) - 1, (ends?.greatest ?? 0) + 1];
  let numbers: readonly number[] = [low + 1, high - 1];
  for (;;) {
    const found = await reader.list<Probe>(
      numbers.map(() => PROBE).join(' UNION ALL '),
      numbers.flatMap((number) => [number, moment, number]),
      deadline,
    );
    const entryOf = new Map(found.map(({ number, entry }) => [number, entry]));
    const end = high;
    for (const { entry, isBefore } of [...found].sort((a, b) => a.entry - b.entry)) {
      if (entry <= low || entry >= high) continue;
      if (isBefore) before = low = entry;
      else behind = high = entry;
    }
    // Where the next entry is known already, there is none between.
    const empty = numbers.find((number) => (entryOf.get(number) ?? end) >= end);
    high = Math.min(high, empty ?? high);
    if (high - low <= NARROW) return { before: before ?? null, behind: behind ?? null };
    const step = (high - low) / (PROBES + 1);
    numbers = Array.from({ length: PROBES }, (_, i) => Math.floor(low + (i + 1) * step));
  }
}

const PROBE = `(SELECT ? AS number, entry, created_at < ? AS isBefore FROM stock_movements
  WHERE entry >= ? ORDER BY entry LIMIT 1)`;

function shifted(moment: Date, ms: number): Date {
  return new Date(Math.min(moment.getTime() + ms, LAST_MS));
}
