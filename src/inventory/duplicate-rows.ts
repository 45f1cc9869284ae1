/**
 * Finds rows of a file that contradict or repeat an earlier row, however many lines lie between.
 *
 * Only digests are kept: about 100 MB for a million products. With 64 bits of digest for each, one file of a million
 * products in thirty million has a row refused by mistake.
 */
import { hash } from 'node:crypto';
import type { BadLine, ImportRow } from './product-import.js';

interface SeenProduct {
  readonly line: number;
  /** Digests of the row's name with its threshold, and of its location. */
  readonly says: number;
  readonly firstPlace: number;
}

export class SeenRows {
  private readonly products = new Map<string, SeenProduct>();
  /** Lines of further places of a product. Most products have one place, which is in `products`. */
  private readonly places = new Map<string, number>();

  /** Remembers the row, or says which earlier row it cannot stand beside. */
  conflictOf({ line, id, name, lowStockThreshold, locationId }: ImportRow): BadLine | null {
    const product = keyOf(digestOf([id]));
    const says = digestOf([name, lowStockThreshold]).readInt32LE(0);
    const place = digestOf([id, locationId]);
    const known = this.products.get(product);
    if (!known) {
      this.products.set(product, { line, says, firstPlace: place.readInt32LE(0) });
      return null;
    }
    const bad = (reason: string): BadLine => ({ line, column: null, reason });
    if (known.says !== says) {
      return bad(`Product ${id} has another name or lowStockThreshold in line ${known.line}.`);
    }
    const isFirst = known.firstPlace === place.readInt32LE(0);
    const earlier = isFirst ? known.line : this.places.get(keyOf(place));
    if (earlier !== undefined) {
      return bad(`Line ${earlier} has the same product and location.`);
    }
    this.places.set(keyOf(place), line);
    return null;
  }
}

function digestOf(parts: readonly unknown[]): Buffer {
  return hash('sha1', JSON.stringify(parts), 'buffer');
}

/** A string of 8 bytes takes a third of the memory of a hexadecimal one. */
function keyOf(digest: Buffer): string {
  return digest.toString('latin1', 0, 8);
}
