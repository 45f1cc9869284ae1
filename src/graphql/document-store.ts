/**
 * The documents of operations that come again: parsed, validated and surveyed once.
 *
 * 1. The store is bounded by what it holds: the number of documents, and their bytes by an estimate of text and nodes.
 *    Texts of more than 10,000 characters are served, but not kept.
 * 2. No document keeps its tokens, kept or not. GraphQL links every token, comments included, to the next one, so a
 *    request of 100 kB would hold 3 MB for as long as it runs. Places in the text stay, for the locations of errors.
 * 3. A full store gives an operation the place of another one only if it was asked for more often lately, counted in a
 *    sketch of fixed size (TinyLFU). So a client that sends ever new documents, each once or twice, does not displace
 *    those in use. A second sight as the condition would not do: a hostile client can send each document twice. A share
 *    for each principal would not do either: without authentication all are one.
 */
import { visit, type DocumentNode } from 'graphql';
import { LRUCache } from 'lru-cache';

const DOCUMENTS_MAX = 1_000;
const BYTES_MAX = 16 * 1_048_576;
const TEXT_CHARS_MAX = 10_000;
/** Measured: a node with its place in the text, its arrays and its share of the survey. */
const NODE_BYTES = 250;
/** V8 may keep a text in two bytes for each character. */
const CHAR_BYTES = 2;

export interface DocumentStoreStats {
  readonly hits: number;
  readonly misses: number;
  readonly documents: number;
  /** By the estimate that bounds the store. */
  readonly bytes: number;
}

export interface KnownDocument {
  readonly key: string;
  readonly text: string;
  readonly document: DocumentNode;
}

/** Apollo's store of documents. Its keys end with the text's SHA-256 in hexadecimal digits. */
export class DocumentStore {
  private readonly kept: LRUCache<string, KnownDocument>;
  /** Those that are kept, by their texts. */
  private readonly byText = new Map<string, KnownDocument>();
  private readonly sightings = new Sightings();
  private hits = 0;
  private misses = 0;

  constructor(
    private readonly limits: { readonly documents: number; readonly bytes: number } = {
      documents: DOCUMENTS_MAX,
      bytes: BYTES_MAX,
    },
  ) {
    this.kept = new LRUCache({
      ...{ max: limits.documents, maxSize: limits.bytes },
      dispose: (known) => {
        if (this.byText.get(known.text) === known) this.byText.delete(known.text);
      },
    });
  }

  get(key: string): Promise<DocumentNode | undefined> {
    this.sightings.add(key);
    const known = this.kept.get(key);
    if (known) this.hits += 1;
    else this.misses += 1;
    return Promise.resolve(known?.document);
  }

  /** The document with exactly this text, without its key. Counts nothing: call `use` where it is used. */
  known(text: string): KnownDocument | undefined {
    return this.byText.get(text);
  }

  /** Counts as `get` does. */
  use({ key }: KnownDocument): void {
    void this.get(key);
  }

  /** Apollo calls it for every valid document before the operation runs. */
  set(key: string, document: DocumentNode): Promise<void> {
    const nodes = forgetTokens(document);
    const text = document.loc?.source.body ?? '';
    const characters = text.length;
    const size = nodes * NODE_BYTES + characters * CHAR_BYTES;
    if (characters <= TEXT_CHARS_MAX && this.makesRoom(key, size)) {
      const known = { key, text, document };
      this.kept.set(key, known, { size });
      if (text !== '') this.byText.set(text, known);
    }
    return Promise.resolve();
  }

  delete(key: string): Promise<boolean> {
    return Promise.resolve(this.kept.delete(key));
  }

  stats(): DocumentStoreStats {
    const { hits, misses, kept } = this;
    return { hits, misses, documents: kept.size, bytes: kept.calculatedSize };
  }

  private makesRoom(key: string, size: number): boolean {
    const { documents, bytes } = this.limits;
    if (size > bytes) return false;
    while (this.kept.size >= documents || this.kept.calculatedSize + size > bytes) {
      const [leastRecent] = this.kept.rkeys();
      if (leastRecent === undefined) return false;
      if (this.sightings.of(leastRecent) >= this.sightings.of(key)) return false;
      this.kept.delete(leastRecent);
    }
    return true;
  }
}

/** Removes the tokens from a document that is validated, and returns the number of its nodes. */
export function forgetTokens(document: DocumentNode): number {
  let nodes = 0;
  visit(document, {
    enter: ({ loc }) => {
      nodes += 1;
      if (loc) Object.assign(loc, { startToken: undefined, endToken: undefined });
    },
  });
  return nodes;
}

const ROWS = 4;
const COLUMNS = 16_384;
const COUNT_MAX = 255;

/** How often a key was seen lately: a count-min sketch, halved once for every so many sightings. */
class Sightings {
  private readonly counts = new Uint8Array(ROWS * COLUMNS);
  private added = 0;

  add(key: string): void {
    for (let row = 0; row < ROWS; row += 1) {
      const cell = cellOf(key, row);
      const count = this.counts[cell] ?? 0;
      if (count < COUNT_MAX) this.counts[cell] = count + 1;
    }
    this.added += 1;
    if (this.added % COLUMNS === 0) {
      this.counts.forEach((count, cell) => (this.counts[cell] = count >> 1));
    }
  }

  /** Never too few. */
  of(key: string): number {
    let least = COUNT_MAX;
    for (let row = 0; row < ROWS; row += 1) {
      least = Math.min(least, this.counts[cellOf(key, row)] ?? 0);
    }
    return least;
  }
}

const DIGITS = 8;

/** The key's end is a hash already: each row takes digits of its own from it. */
function cellOf(key: string, row: number): number {
  const end = key.length - row * DIGITS;
  return row * COLUMNS + (parseInt(key.slice(end - DIGITS, end), 16) % COLUMNS);
}
