/**
 * Pages of products. They are read by key, never by offset: every page costs the same, and rows that are added between
 * two pages neither repeat nor skip others.
 *
 * Two filters have no index that is a list in the right order: the one for low stock, which compares sums over levels,
 * and the one for several words. There products that may match are looked up first, and then compared, at most LOOK_MAX
 * for one page. A page may so be shorter than it was asked for, and even empty, while the list goes on behind the last
 * product that was looked at. Of several words the rarest one's products are looked at.
 */
import { InvalidCursorError, type Page, type PageRequest } from '../../inventory/pages.js';
import { wordsOf } from '../../inventory/product-words.js';
import type { Product, ProductFilter } from '../../inventory/products.js';
import { isValidId } from '../../inventory/stock.js';
import type { Deadline } from '../../time/deadline.js';
import type { Reader } from '../reader.js';
import { LOOK_MAX, cursorOf, decodeCursor, lookForRows, toPage } from './pages.js';
import { IS_LOW, SELECT_PRODUCTS, toProducts, type ProductRecord } from './product-rows.js';

/** What a page is sorted by. */
type Key = Pick<Product, 'id' | 'name'>;

/** @throws InvalidCursorError, StorageUnavailableError */
export async function readProductPage(
  reader: Reader,
  page: PageRequest,
  filter: ProductFilter,
  deadline: Deadline,
): Promise<Page<Product>> {
  return new ProductPage(reader, page, filter, deadline).read();
}

/** The next products, in the order of ids, that may match; fewer than `max` where there are no more. */
type Candidates = (cursor: string | null, max: number) => Promise<readonly Key[]>;

class ProductPage {
  private readonly byName: boolean;
  private readonly columns: readonly string[];
  private readonly order: string;
  /** The index of the list. Without the hint the optimizer may read past all products of the other kind. */
  private readonly hint: string;
  private readonly words: readonly Buffer[];

  constructor(
    private readonly reader: Reader,
    private readonly page: PageRequest,
    private readonly filter: ProductFilter,
    private readonly deadline: Deadline,
  ) {
    this.byName = filter.nameStartsWith !== undefined;
    this.columns = this.byName ? ['p.name', 'p.id'] : ['p.id'];
    this.hint = `FORCE INDEX (products_by_archived${this.byName ? '_and_name' : ''})`;
    this.words = wordsOf(filter.search ?? '').map((word) => Buffer.from(word));
    const direction = page.direction === 'FORWARD' ? 'ASC' : 'DESC';
    this.order = this.columns.map((column) => `${column} ${direction}`).join(', ');
  }

  async read(): Promise<Page<Product>> {
    const { ids, lowStock } = this.filter;
    if (ids?.length === 0) return this.toPage([], null);
    const isListed = lowStock === undefined && this.words.length === 0;
    // With ids the products that match are few already.
    if (isListed || ids) return this.toPage(await this.readAmong(null), null);
    return this.readByLooking(await this.candidates());
  }

  /** @param candidates null: no index has the products that may match. */
  private async readByLooking(candidates: Candidates | null): Promise<Page<Product>> {
    if (candidates && this.byName) {
      // In the order of ids, so only all of them tell which come first by name.
      const all = await candidates(null, LOOK_MAX);
      if (all.length < LOOK_MAX) return this.toPage(await this.readAmong(all), null);
    }
    const { rows, lookedUntil } = await lookForRows(
      this.page,
      (max) =>
        candidates && !this.byName ? candidates(cursorOf(this.page), max) : this.lookAtAll(max),
      (looked) => this.readAmong(looked),
    );
    return this.toPage(rows, lookedUntil);
  }

  private async candidates(): Promise<Candidates | null> {
    if (this.words.length > 0) {
      const word = await this.rarestWord();
      return (cursor, max) => this.lookAtWord(word, cursor, max);
    }
    // The index of low stock has products on sale alone.
    const { lowStock, archived } = this.filter;
    const isIndexed = lowStock === true && archived !== true;
    return isIndexed ? (cursor, max) => this.lookAtLow(cursor, max) : null;
  }

  /** Of those that are as frequent as one page looks at, any. */
  private async rarestWord(): Promise<Buffer | undefined> {
    if (this.words.length < 2) return this.words[0];
    const counts = await this.reader.list<{ at: number; products: number }>(
      this.words
        .map(
          (_, at) => `SELECT ${at} AS at, COUNT(*) AS products FROM (
             SELECT 1 FROM product_words WHERE word = ? AND archived = ? LIMIT ${LOOK_MAX}
           ) AS of_word_${at}`,
        )
        .join(' UNION ALL '),
      this.words.flatMap((word) => [word, this.filter.archived ?? false]),
      this.deadline,
    );
    const [rarest] = [...counts].sort((a, b) => a.products - b.products);
    return this.words[rarest?.at ?? 0];
  }

  private lookAtWord(
    word: Buffer | undefined,
    cursor: string | null,
    max: number,
  ): Promise<readonly Key[]> {
    const { behind, after, direction } = this.behindId(cursor);
    return this.reader.list<Key>(
      `SELECT product_id AS id, '' AS name FROM product_words FORCE INDEX (PRIMARY)
       WHERE word = :word AND archived = :archived ${behind('product_id')}
       ORDER BY product_id ${direction} LIMIT :max`,
      { word, archived: this.filter.archived ?? false, max, after },
      this.deadline,
    );
  }

  /** Where a list in the order of ids goes on. */
  private behindId(cursor: string | null): {
    readonly behind: (id: string) => string;
    readonly after: string | undefined;
    readonly direction: 'ASC' | 'DESC';
  } {
    const forward = this.page.direction === 'FORWARD';
    const [after] = cursor === null ? [] : placeOf(cursor, 1);
    const behind = (id: string) =>
      after === undefined ? '' : `AND ${id} ${forward ? '>' : '<'} :after`;
    return { behind, after, direction: forward ? 'ASC' : 'DESC' };
  }

  /** Products that may be low, by their index, in the direction of the page. */
  private lookAtLow(cursor: string | null, max: number): Promise<readonly Key[]> {
    const { behind, after, direction } = this.behindId(cursor);
    return this.reader.list<Key>(
      `SELECT id, '' AS name FROM (
         (SELECT DISTINCT product_id AS id FROM stock_levels FORCE INDEX (stock_levels_near_low)
          WHERE near_low = 1 ${behind('product_id')} ORDER BY product_id ${direction} LIMIT :max)
         UNION
         (SELECT id FROM products FORCE INDEX (products_low_without_levels)
          WHERE low_without_levels = 1 ${behind('id')} ORDER BY id ${direction} LIMIT :max)
       ) AS candidates ORDER BY id ${direction} LIMIT :max`,
      { max, after },
      this.deadline,
    );
  }

  /** The next products of the list, whatever their stock. */
  private lookAtAll(max: number): Promise<readonly Key[]> {
    const { where, replacements } = this.conditions();
    return this.reader.list<Key>(
      `SELECT p.id, p.name FROM products p ${this.hint} ${where} ORDER BY ${this.order} LIMIT :max`,
      { ...replacements, max },
      this.deadline,
    );
  }

  /** The products of the page, one more than it shows. @param keys null: among all. */
  private readAmong(keys: readonly Key[] | null): Promise<readonly ProductRecord[]> {
    if (keys?.length === 0) return Promise.resolve([]);
    const { where, replacements } = this.conditions(keys?.map(({ id }) => id));
    // MariaDB would look at two entries of another index for each id.
    const hint = keys || this.filter.ids ? 'FORCE INDEX (PRIMARY)' : this.hint;
    return this.reader.list<ProductRecord>(
      `${SELECT_PRODUCTS} ${hint} ${where} ORDER BY ${this.order} LIMIT :limit`,
      { ...replacements, limit: this.page.limit + 1 },
      this.deadline,
    );
  }

  /** @param among where it is given, the products are also compared with the filters for words and for low stock. */
  private conditions(among: readonly string[] | undefined = this.filter.ids): {
    readonly where: string;
    readonly replacements: Record<string, unknown>;
  } {
    const { nameStartsWith, lowStock, archived = false } = this.filter;
    const conditions = ['p.is_archived = :archived'];
    const replacements: Record<string, unknown> = { archived };
    const cursor = cursorOf(this.page);
    if (cursor !== null) {
      const values = placeOf(cursor, this.columns.length);
      values.forEach((value, i) => (replacements[`cursor${i}`] = value));
      conditions.push(behind(this.columns, this.page.direction === 'FORWARD' ? '>' : '<'));
    }
    if (nameStartsWith !== undefined) {
      conditions.push('p.name LIKE :prefix');
      replacements.prefix = `${nameStartsWith.replace(/[\\%_]/g, '\\$&')}%`;
    }
    if (among) {
      conditions.push('p.id IN (:among)');
      replacements.among = among;
      if (this.words.length > 0) {
        conditions.push(HAS_WORDS);
        replacements.words = this.words;
        replacements.wordCount = this.words.length;
      }
      if (lowStock !== undefined) conditions.push(lowStock ? IS_LOW : `NOT ${IS_LOW}`);
    }
    return { where: `WHERE ${conditions.join(' AND ')}`, replacements };
  }

  /** @param lookedUntil the last product that was looked at, where the list goes on behind it. */
  private toPage(rows: readonly ProductRecord[], lookedUntil: Key | null): Page<Product> {
    const sortKey = ({ id, name }: Key) => (this.byName ? [name, id] : [id]);
    return toPage(this.page, toProducts(rows), {
      node: (product) => product,
      sortKey,
      lookedUntil: lookedUntil && sortKey(lookedUntil),
    });
  }
}

/** The values of the sort key, of which an id is the last one. @throws InvalidCursorError */
function placeOf(cursor: string, columns: number): readonly string[] {
  const values = decodeCursor(cursor, columns);
  // The column of ids is ASCII: a server refuses to compare it with other letters.
  if (!isValidId(values.at(-1) ?? '')) throw new InvalidCursorError();
  return values;
}

/** A count, because the optimizer may turn a condition that something exists into a scan of all that have the word. */
const HAS_WORDS = `(SELECT COUNT(*) FROM product_words AS w FORCE INDEX (product_words_of_product)
  WHERE w.product_id = p.id AND w.word IN (:words)) = :wordCount`;

/** Not a row comparison, for which MariaDB does not use the index. */
function behind([first, second]: readonly string[], sign: '>' | '<'): string {
  if (second === undefined) return `${first} ${sign} :cursor0`;
  return `${first} ${sign}= :cursor0 AND (${first} ${sign} :cursor0 OR ${second} ${sign} :cursor1)`;
}
