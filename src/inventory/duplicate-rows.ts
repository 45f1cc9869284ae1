/**
 * Remembers which products and places a file has named so far, so that a line that contradicts or repeats an earlier
 * one is found however far apart they stand.
 *
 * Kept are digests in flat arrays, 20 bytes for an entry in a table that is at most two thirds full: about 40 MB for a
 * million rows, where a Map of texts would take several hundred. By 64 bits of digest, one file of a million rows in
 * thirty million has a line refused by mistake.
 */
import { hash } from 'node:crypto';
import type { BadLine, ImportRow } from './import-row.js';

const CAPACITY_FIRST = 1 << 12;

export class SeenRows {
  private readonly table = new DigestTable();

  /** Remembers the row, or says why it cannot stand beside an earlier one. */
  conflictOf(row: ImportRow): BadLine | null {
    const { line, id, locationId } = row;
    const product = digestOf(['product', id]);
    const says = digestOf([row.name, row.lowStockThreshold]).readUInt32LE(0);
    const place = digestOf(['place', id, locationId]);
    const placeSays = place.readUInt32LE(0);
    const known = this.table.find(product);
    if (!known) {
      this.table.add(product, { says, line, firstPlace: placeSays });
      return null;
    }
    if (known.says !== says) {
      const reason = `The name or the threshold is another one than in line ${known.line}.`;
      return { line, column: null, reason };
    }
    // Most products stand in one row, so only further places have an entry of their own.
    const same = known.firstPlace === placeSays ? known : this.table.find(place);
    if (same) {
      const reason = `Line ${same.line} is for the same product and location.`;
      return { line, column: null, reason };
    }
    this.table.add(place, { says: 0, line, firstPlace: 0 });
    return null;
  }
}

interface Entry {
  /** What the product's row said, as a digest. */
  readonly says: number;
  readonly firstPlace: number;
  /** The first one; above 0, which tells taken slots from free ones. */
  readonly line: number;
}

/** Open addressing with linear probing. */
class DigestTable {
  private size = 0;
  private slots = emptySlots(CAPACITY_FIRST);

  find(digest: Buffer): Entry | null {
    const { slots } = this;
    const at = slotOf(slots, digest.readUInt32LE(0), digest.readUInt32LE(4));
    const line = slots.lines[at] ?? 0;
    if (line === 0) return null;
    return { says: slots.says[at] ?? 0, firstPlace: slots.firstPlaces[at] ?? 0, line };
  }

  add(digest: Buffer, entry: Entry): void {
    if (this.size * 3 >= this.slots.lines.length * 2) this.grow();
    put(this.slots, digest.readUInt32LE(0), digest.readUInt32LE(4), entry);
    this.size += 1;
  }

  private grow(): void {
    const { highs, lows, says, firstPlaces, lines } = this.slots;
    this.slots = emptySlots(lines.length * 2);
    for (const [at, line] of lines.entries()) {
      if (line === 0) continue;
      const entry = { says: says[at] ?? 0, firstPlace: firstPlaces[at] ?? 0, line };
      put(this.slots, highs[at] ?? 0, lows[at] ?? 0, entry);
    }
  }
}

type Slots = Readonly<Record<'highs' | 'lows' | 'says' | 'firstPlaces' | 'lines', Uint32Array>>;

/** @param capacity a power of two. */
function emptySlots(capacity: number): Slots {
  const array = () => new Uint32Array(capacity);
  return { highs: array(), lows: array(), says: array(), firstPlaces: array(), lines: array() };
}

function put(slots: Slots, high: number, low: number, entry: Entry): void {
  const at = slotOf(slots, high, low);
  slots.highs[at] = high;
  slots.lows[at] = low;
  slots.says[at] = entry.says;
  slots.firstPlaces[at] = entry.firstPlace;
  slots.lines[at] = entry.line;
}

/** Where this digest is, or would be. */
function slotOf({ highs, lows, lines }: Slots, high: number, low: number): number {
  const mask = lines.length - 1;
  let at = low & mask;
  while (lines[at] !== 0 && (highs[at] !== high || lows[at] !== low)) at = (at + 1) & mask;
  return at;
}

function digestOf(parts: readonly unknown[]): Buffer {
  return hash('sha1', JSON.stringify(parts), 'buffer');
}
