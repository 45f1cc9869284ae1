/**
 * Pages of the ledger under a filter, newest entry first, of one product, of many, or of all.
 *
 * Entries are read by the index of references, of a product, or of kinds, or else by their numbers, all of which have
 * them in the order of the list. Moments bound the numbers. What the index does not tell is compared entry by entry,
 * at most LOOK_MAX of them for one page: it may so be shorter than it was asked for, and even empty, while the list
 * goes on.
 */
import type { MovementFilter, StockMovement } from '../../inventory/movements.js';
import type { Page, PageRequest } from '../../inventory/pages.js';
import type { Deadline } from '../../time/deadline.js';
import type { Reader } from '../reader.js';
import { entriesWithin } from './ledger-moments.js';
import { MOVEMENT_COLUMNS, boundaryOf, toMovementPage, type MovementRow } from './movement-rows.js';
import { LOOKS } from './pages.js';

/** SQL with its values, joined by AND. */
interface Conditions {
  readonly sql: readonly string[];
  readonly values: readonly unknown[];
}

/** A list in the order of entries: all entries of an index with one value. */
interface Strand {
  readonly index: string;
  readonly of: Conditions;
}

/** The entries of one product, or of all, that may match. */
interface Scope {
  readonly productId: string | null;
  /** The list is these merged. */
  readonly strands: readonly Strand[];
  /** What the strands do not tell. */
  readonly rest: Conditions;
}

interface Looked {
  readonly scope: number;
  readonly entries: number;
  readonly last: number;
}

export interface LedgerFilterParts {
  readonly reader: Reader;
  readonly page: PageRequest;
  readonly filter: MovementFilter;
  readonly deadline: Deadline;
}

export class FilteredLedger {
  private readonly order: 'ASC' | 'DESC';

  constructor(private readonly parts: LedgerFilterParts) {
    this.order = parts.page.direction === 'FORWARD' ? 'DESC' : 'ASC';
  }

  /**
   * @param productIds null: the ledger of all products, as the page of null.
   * @throws InvalidCursorError, StorageUnavailableError
   */
  async read(
    productIds: readonly (string | null)[],
  ): Promise<ReadonlyMap<string | null, Page<StockMovement>>> {
    const { filter, page } = this.parts;
    const isEmpty = filter.kinds?.length === 0;
    const scopes = isEmpty ? [] : productIds.map((id) => this.scopeOf(id));
    const range = await this.range();
    const pages = new Map<string | null, Page<StockMovement>>(
      productIds.map((id) => [id, toMovementPage(page, [], null)]),
    );
    let open: readonly Scope[] = scopes.filter(({ rest }) => rest.sql.length > 0);
    await this.fill(
      pages,
      scopes.filter((scope) => !open.includes(scope)),
      range,
    );
    for (const looks of LOOKS) {
      if (open.length === 0) break;
      open = await this.look(pages, open, range, looks);
    }
    return pages;
  }

  /** @returns the scopes whose pages are not full, and whose lists go on. */
  private async look(
    pages: Map<string | null, Page<StockMovement>>,
    scopes: readonly Scope[],
    range: Conditions,
    max: number,
  ): Promise<readonly Scope[]> {
    const isForward = this.order === 'DESC';
    const looked = await this.list<Looked>(scopes, ({ index, of }, at) => ({
      sql: `SELECT ${at} AS scope, COUNT(*) AS entries, ${isForward ? 'MIN' : 'MAX'}(entry) AS last FROM (
              SELECT entry FROM stock_movements FORCE INDEX (${index})
              ${whereOf(of, range)} ORDER BY entry ${this.order} LIMIT ${max}
            ) AS looked`,
      values: [...of.values, ...range.values],
    }));
    // Of several strands, the list was looked at as far as the one that was cut off first.
    const until = scopes.map((_, at): number | null => {
      const cut = looked.filter(({ scope, entries }) => scope === at && entries >= max);
      const lasts = cut.map(({ last }) => last);
      return lasts.length === 0 ? null : isForward ? Math.max(...lasts) : Math.min(...lasts);
    });
    await this.fill(pages, scopes, range, until);
    return scopes.filter(({ productId }, at) => {
      const found = pages.get(productId)?.edges.length ?? 0;
      return until[at] !== null && found < this.parts.page.limit;
    });
  }

  /** @param until of each scope the last entry that is compared; null: to the end of the list. */
  private async fill(
    pages: Map<string | null, Page<StockMovement>>,
    scopes: readonly Scope[],
    range: Conditions,
    until: readonly (number | null)[] = [],
  ): Promise<void> {
    const { page } = this.parts;
    const rows = await this.list<MovementRow & { readonly scope: number }>(
      scopes,
      ({ index, of }, at) => {
        const rest = scopes[at]?.rest ?? NONE;
        const end = this.endAt(until[at] ?? null);
        return {
          sql: `SELECT ${MOVEMENT_COLUMNS}, ${at} AS scope FROM stock_movements FORCE INDEX (${index})
                ${whereOf(of, range, end, rest)} ORDER BY entry ${this.order} LIMIT ${page.limit + 1}`,
          values: [of, range, end, rest].flatMap(({ values }) => values),
        };
      },
    );
    for (const [at, { productId }] of scopes.entries()) {
      const sorted = rows
        .filter(({ scope }) => scope === at)
        .sort((a, b) => (this.order === 'DESC' ? b.entry - a.entry : a.entry - b.entry))
        .slice(0, page.limit + 1);
      pages.set(productId, toMovementPage(page, sorted, until[at] ?? null));
    }
  }

  /** One statement for all strands of all scopes. */
  private async list<Row extends object>(
    scopes: readonly Scope[],
    select: (strand: Strand, scope: number) => { sql: string; values: readonly unknown[] },
  ): Promise<readonly Row[]> {
    const { reader, deadline } = this.parts;
    const selects = scopes.flatMap(({ strands }, at) => strands.map((each) => select(each, at)));
    if (selects.length === 0) return [];
    return reader.list<Row>(
      selects.map(({ sql }) => `(${sql})`).join(' UNION ALL '),
      selects.flatMap(({ values }) => values),
      deadline,
    );
  }

  private scopeOf(productId: string | null): Scope {
    const { reference, kinds, locationId, principal } = this.parts.filter;
    const ofProduct = conditionOf('product_id = ?', productId);
    const ofKinds = conditionOf('kind IN (?)', kinds);
    const withoutIndex = joined(
      conditionOf('location_id = ?', locationId),
      conditionOf('CAST(principal AS BINARY) = CAST(? AS BINARY)', principal),
    );
    if (reference !== undefined) {
      // The column's collation takes other letters for the same; the index finds them, and the bytes decide.
      const of = {
        sql: ['reference = ?', 'CAST(reference AS BINARY) = CAST(? AS BINARY)'],
        values: [reference, reference],
      };
      const strands = [{ index: 'stock_movements_by_reference', of }];
      return { productId, strands, rest: joined(ofProduct, withoutIndex, ofKinds) };
    }
    if (productId !== null) {
      const strands = [{ index: 'stock_movements_by_product', of: ofProduct }];
      return { productId, strands, rest: joined(withoutIndex, ofKinds) };
    }
    if (kinds !== undefined) {
      const strands = [...new Set(kinds)].map((kind) => ({
        index: 'stock_movements_by_kind',
        of: conditionOf('kind = ?', kind),
      }));
      return { productId, strands, rest: withoutIndex };
    }
    return { productId, strands: [{ index: 'PRIMARY', of: NONE }], rest: withoutIndex };
  }

  /** Behind the cursor, and within the moments. */
  private async range(): Promise<Conditions> {
    const { reader, page, filter, deadline } = this.parts;
    const { since, until } = filter;
    const boundary = boundaryOf(page);
    const { from, to } =
      since || until ? await entriesWithin(reader, filter, deadline) : { from: null, to: null };
    return joined(
      conditionOf(this.order === 'DESC' ? 'entry < ?' : 'entry > ?', boundary),
      conditionOf('entry >= ?', from),
      conditionOf('entry <= ?', to),
      conditionOf('created_at >= ?', since),
      conditionOf('created_at < ?', until),
    );
  }

  private endAt(until: number | null): Conditions {
    return conditionOf(this.order === 'DESC' ? 'entry >= ?' : 'entry <= ?', until);
  }
}

const NONE: Conditions = { sql: [], values: [] };

/** None where there is no value. */
function conditionOf(sql: string, value: unknown): Conditions {
  return value === null || value === undefined ? NONE : { sql: [sql], values: [value] };
}

function joined(...conditions: readonly Conditions[]): Conditions {
  return {
    sql: conditions.flatMap(({ sql }) => sql),
    values: conditions.flatMap(({ values }) => values),
  };
}

function whereOf(...conditions: readonly Conditions[]): string {
  const { sql } = joined(...conditions);
  return sql.length > 0 ? `WHERE ${sql.join(' AND ')}` : '';
}
