/**
 * JourneyCatalogue on MySQL. Every statement reads by an index, and a bounded number of rows, whatever the size of the
 * ledger:
 *
 *   an id as                 | is found by                         | and leads to
 *   product, location        | the primary key                     | its lines
 *   movement                 | (product, location, sequence)       | the lines of its request
 *   reservation              | the primary key                     | the lines of the request that committed it
 *   order reference          | the indexes of references           | lines and reservations with it
 *   idempotency key          | the operation's id, derived from    | the lines of its request, and its stored answer
 *                            | the key and each known principal    |
 *   principal                | API keys, and reservations          | its reservations, and its lines
 *
 * Lines of a location and of a principal have no index: they are looked for among the newest entries, where the id
 * names nothing else that has lines (ledger-filter.ts).
 *
 * The lines of one batch are written by one statement. So they have successive entries with the same moment to the
 * microsecond, by which a batch is found again, although nothing of it is stored.
 */
import type {
  Journey,
  JourneyCatalogue,
  JourneyKind,
  JourneyLine,
  JourneyQuestion,
} from '../../inventory/journey.js';
import type { MovementFilter, StockMovement } from '../../inventory/movements.js';
import { operationIdOf } from '../../inventory/operation.js';
import type { Page, PageRequest } from '../../inventory/pages.js';
import { isValidId } from '../../inventory/stock.js';
import type { Deadline } from '../../time/deadline.js';
import type { Reader } from '../reader.js';
import {
  eventsOf,
  type FoundLocation,
  type FoundOperation,
  type FoundProduct,
  type FoundReservation,
  type OperationMoment,
} from './journey-events.js';
import { FilteredLedger } from './ledger-filter.js';
import { MOVEMENT_COLUMNS, boundaryOf, toMovementPage, type MovementRow } from './movement-rows.js';
import { decodeCursor } from './pages.js';

/** Reservations of one reference or principal, newest first. */
const RESERVATIONS_MAX = 20;
/** Requests of different principals under one idempotency key. */
const OPERATIONS_MAX = 20;
/** Principals whose idempotency keys are tried. */
const PRINCIPALS_MAX = 1_000;
/** A larger batch is counted in part. */
const BATCH_MAX = 1_024;
const ASCII = /^[ -~]*$/;

interface Finding {
  readonly products: readonly FoundProduct[];
  readonly locations: readonly FoundLocation[];
  readonly movements: readonly { readonly operationId: Buffer }[];
  readonly reservations: readonly FoundReservation[];
  readonly references: readonly object[];
  readonly operations: readonly FoundOperation[];
  readonly principals: readonly object[];
}

export class MysqlJourneys implements JourneyCatalogue {
  constructor(private readonly pools: { readonly reader: Reader }) {}

  async journey(
    question: JourneyQuestion,
    page: PageRequest,
    deadline: Deadline,
  ): Promise<Journey> {
    return new Search(this.pools.reader, question, page, deadline).journey();
  }
}

class Search {
  private readonly id: string;

  constructor(
    private readonly reader: Reader,
    private readonly question: JourneyQuestion,
    private readonly page: PageRequest,
    private readonly deadline: Deadline,
  ) {
    this.id = question.id;
  }

  async journey(): Promise<Journey> {
    const found = await this.find();
    const kinds = kindsOf(found);
    const operationIds = [
      ...found.movements.map(({ operationId }) => operationId),
      ...found.operations.map(({ id }) => id),
      ...found.reservations
        .filter(({ source }) => source === 'RESERVATION')
        .flatMap(({ createdBy, closedBy }) => (closedBy ? [createdBy, closedBy] : [createdBy])),
    ];
    const [movements, moments] = await Promise.all([
      this.movements(kinds, operationIds),
      this.momentsOf(found.reservations),
    ]);
    const isSeen = movements.edges.some(({ node }) => node.principal === this.id);
    return {
      id: this.id,
      kinds: isSeen && !kinds.includes('PRINCIPAL') ? [...kinds, 'PRINCIPAL'] : kinds,
      events: eventsOf(found, moments),
      lines: await this.withBatches(movements),
    };
  }

  private async find(): Promise<Finding> {
    const { id } = this;
    const isId = isValidId(id);
    const [product, location, sequence, ...more] = id.split('/');
    const isMovement = more.length === 0 && /^\d{1,15}$/.test(sequence ?? '');
    const nothing = Promise.resolve([]);
    const [products, locations, movements, references, operations, principals] = await Promise.all([
      isId
        ? this.list<FoundProduct>(
            'SELECT created_at AS createdAt, archived_at AS archivedAt FROM products WHERE id = ?',
            [id],
          )
        : nothing,
      isId
        ? this.list<FoundLocation>('SELECT created_at AS createdAt FROM locations WHERE id = ?', [
            id,
          ])
        : nothing,
      isMovement && isValidId(product ?? '') && isValidId(location ?? '')
        ? this.list<{ operationId: Buffer }>(
            `SELECT operation_id AS operationId FROM stock_movements
             WHERE product_id = ? AND location_id = ? AND sequence = ?`,
            [product, location, Number(sequence)],
          )
        : nothing,
      this.list(
        `SELECT 1 FROM stock_movements FORCE INDEX (stock_movements_by_reference)
         WHERE reference = ? AND CAST(reference AS BINARY) = CAST(? AS BINARY) LIMIT 1`,
        [id, id],
      ),
      this.operations(),
      // The column is ASCII, which compares with nothing else.
      ASCII.test(id) ? this.list('SELECT 1 FROM api_keys WHERE name = ? LIMIT 1', [id]) : nothing,
    ]);
    const reservations = await this.reservations(
      operations.flatMap(({ reservationId }) => reservationId ?? []),
    );
    const isOwner = reservations.some(({ source }) => source === 'PRINCIPAL');
    return {
      ...{ products, locations, movements, reservations, operations },
      references: [...references, ...reservations.filter(({ source }) => source === 'REFERENCE')],
      principals: isOwner ? reservations : principals,
    };
  }

  /** Of the id as an idempotency key, of each principal that is known. */
  private async operations(): Promise<readonly FoundOperation[]> {
    const { id, question } = this;
    const names = await this.list<{ name: string }>(
      `SELECT DISTINCT name FROM api_keys ORDER BY name LIMIT ${PRINCIPALS_MAX}`,
      [],
    );
    const given = question.principal === null ? [] : [question.principal];
    const scopes = new Map<string, string | null>(
      ['', ...given, ...names.map(({ name }) => name)].map((scope) => [
        operationIdOf(scope, id).toString('hex'),
        scope === '' ? null : scope,
      ]),
    );
    const rows = await this.list<Omit<FoundOperation, 'principal'>>(
      `SELECT id, operation, reservation_id AS reservationId, answers, answer_expired AS expired,
              created_at AS createdAt
       FROM stock_operations WHERE id IN (?) ORDER BY created_at DESC LIMIT ${OPERATIONS_MAX}`,
      [[...scopes.keys()].map((hex) => Buffer.from(hex, 'hex'))],
    );
    return rows.map((row) => ({ ...row, principal: scopes.get(row.id.toString('hex')) ?? null }));
  }

  private reservations(created: readonly string[]): Promise<readonly FoundReservation[]> {
    const { id } = this;
    const columns = `id, status, reference, principal, created_by AS createdBy, closed_by AS closedBy,
      created_at AS createdAt, expires_at AS expiresAt, expires_at <= NOW(6) AS isDue`;
    const ids = [...(isValidId(id) ? [id] : []), ...created];
    const own = `SELECT 'RESERVATION' AS source, ${columns} FROM reservations WHERE id IN (?)`;
    const by = (source: 'REFERENCE' | 'PRINCIPAL', column: string, index: string) =>
      `(SELECT '${source}' AS source, ${columns} FROM reservations FORCE INDEX (${index})
        WHERE ${column} = ? AND CAST(${column} AS BINARY) = CAST(? AS BINARY)
        ORDER BY created_at DESC, id DESC LIMIT ${RESERVATIONS_MAX})`;
    return this.list<FoundReservation>(
      [
        ...(ids.length > 0 ? [`(${own})`] : []),
        by('REFERENCE', 'reference', 'reservations_by_reference'),
        by('PRINCIPAL', 'principal', 'reservations_of_principal'),
      ].join(' UNION ALL '),
      [...(ids.length > 0 ? [ids] : []), id, id, id, id],
    );
  }

  /** When the requests that made and ended reservations were written. */
  private async momentsOf(
    reservations: readonly FoundReservation[],
  ): Promise<readonly OperationMoment[]> {
    const ids = reservations.flatMap(({ closedBy }) => closedBy ?? []);
    if (ids.length === 0) return [];
    return this.list<OperationMoment>(
      `(SELECT operation_id AS id, MIN(created_at) AS createdAt FROM stock_movements
        WHERE operation_id IN (?) GROUP BY operation_id)
       UNION ALL (SELECT id, created_at AS createdAt FROM stock_operations WHERE id IN (?))`,
      [ids, ids],
    );
  }

  private async movements(
    kinds: readonly JourneyKind[],
    operationIds: readonly Buffer[],
  ): Promise<Page<StockMovement>> {
    const { id } = this;
    const strands = [
      ...(kinds.includes('PRODUCT')
        ? [{ index: 'stock_movements_by_product', sql: 'product_id = ?', values: [id] }]
        : []),
      ...(kinds.includes('REFERENCE')
        ? [
            {
              index: 'stock_movements_by_reference',
              sql: 'reference = ? AND CAST(reference AS BINARY) = CAST(? AS BINARY)',
              values: [id, id],
            },
          ]
        : []),
      ...(operationIds.length > 0
        ? [
            {
              index: 'stock_movements_by_operation',
              sql: 'operation_id IN (?)',
              values: [operationIds],
            },
          ]
        : []),
    ];
    if (strands.length === 0) {
      return this.looked(kinds.includes('LOCATION') ? { locationId: id } : { principal: id });
    }
    const boundary = boundaryOf(this.page) ?? Number.MAX_SAFE_INTEGER;
    const rows = await this.list<MovementRow>(
      strands
        .map(
          ({ index, sql }) =>
            `(SELECT ${MOVEMENT_COLUMNS} FROM stock_movements FORCE INDEX (${index})
              WHERE ${sql} AND entry < ? ORDER BY entry DESC LIMIT ?)`,
        )
        .join(' UNION ALL '),
      strands.flatMap(({ values }) => [...values, boundary, this.page.limit + 1]),
    );
    const byEntry = new Map(rows.map((row) => [row.entry, row]));
    const sorted = [...byEntry.values()].sort((a, b) => b.entry - a.entry);
    return toMovementPage(this.page, sorted.slice(0, this.page.limit + 1));
  }

  private async looked(filter: MovementFilter): Promise<Page<StockMovement>> {
    const { reader, page, deadline } = this;
    const pages = await new FilteredLedger({ reader, page, filter, deadline }).read([null]);
    return pages.get(null) ?? toMovementPage(page, []);
  }

  private async withBatches(movements: Page<StockMovement>): Promise<Page<JourneyLine>> {
    const entries = movements.edges.map(({ cursor }) => Number(decodeCursor(cursor, 1)[0]));
    if (entries.length === 0) return { ...movements, edges: [] };
    const details = await this.list<Detail>(
      `SELECT entry, operation_id AS operationId, line_index AS lineIndex, waited_ms AS waitedMs,
              CAST(created_at AS CHAR) AS moment
       FROM stock_movements WHERE entry IN (?)`,
      [entries],
    );
    const batches = await this.batchesOf(details);
    const byEntry = new Map(details.map((detail) => [detail.entry, detail]));
    return {
      ...movements,
      edges: movements.edges.flatMap(({ cursor, node: movement }, at) => {
        const detail = byEntry.get(entries[at] ?? 0);
        const batch = detail && batches.get(detail.moment);
        if (!detail || !batch) return [];
        const { lineIndex, waitedMs } = detail;
        const operationId = detail.operationId.toString('hex');
        const askedAt =
          waitedMs === null ? null : new Date(movement.createdAt.getTime() - waitedMs);
        return [{ cursor, node: { movement, operationId, lineIndex, askedAt, waitedMs, batch } }];
      }),
    };
  }

  /** By moment: each has one batch. */
  private async batchesOf(
    details: readonly Detail[],
  ): Promise<ReadonlyMap<string, JourneyLine['batch']>> {
    const spans = new Map<string, Span>();
    for (const { moment, entry } of details) {
      const { from = entry, to = entry } = spans.get(moment) ?? {};
      spans.set(moment, { from: Math.min(from, entry), to: Math.max(to, entry) });
    }
    const moments = [...spans].map(([moment, span]) => ({ moment, ...span }));
    const neighbours = await this.neighboursOf(moments);
    const rows = await this.list<{ at: number; first: number; lines: number }>(
      moments
        .map(
          (_, at) =>
            `(SELECT ${at} AS at, MIN(entry) AS first, COUNT(*) AS \`lines\` FROM stock_movements
              WHERE entry BETWEEN ? AND ? AND created_at = ?)`,
        )
        .join(' UNION ALL '),
      moments.flatMap(({ moment, from, to }, at) => {
        const ofThis = neighbours.filter((neighbour) => neighbour.at === at);
        const before = ofThis.find(({ entry }) => entry < from)?.entry ?? from - BATCH_MAX;
        const behind = ofThis.find(({ entry }) => entry > to)?.entry ?? to + BATCH_MAX;
        return [before, behind, moment];
      }),
    );
    return new Map(
      rows.map(({ at, first, lines }) => {
        return [moments[at]?.moment ?? '', { id: String(first), lines }];
      }),
    );
  }

  /** The nearest entries of other moments, before and behind each span. */
  private neighboursOf(
    moments: readonly (Span & { readonly moment: string })[],
  ): Promise<readonly { readonly at: number; readonly entry: number }[]> {
    const nearest = (at: number, order: 'ASC' | 'DESC') =>
      `(SELECT ${at} AS at, entry FROM stock_movements
        WHERE entry BETWEEN ? AND ? AND created_at <> ? ORDER BY entry ${order} LIMIT 1)`;
    return this.list(
      moments
        .map((_, at) => `${nearest(at, 'DESC')} UNION ALL ${nearest(at, 'ASC')}`)
        .join(' UNION ALL '),
      moments.flatMap(({ moment, from, to }) => [
        ...[from - BATCH_MAX, from, moment],
        ...[to, to + BATCH_MAX, moment],
      ]),
    );
  }

  private list<Row extends object>(sql: string, values: unknown[]): Promise<Row[]> {
    return this.reader.list<Row>(sql, values, this.deadline);
  }
}

/** Entries of one moment, from the first to the last that is known. */
interface Span {
  readonly from: number;
  readonly to: number;
}

interface Detail {
  readonly entry: number;
  readonly operationId: Buffer;
  readonly lineIndex: number;
  readonly waitedMs: number | null;
  /** With microseconds, which a Date does not have. */
  readonly moment: string;
}

function kindsOf(found: Finding): readonly JourneyKind[] {
  const is: readonly (readonly [JourneyKind, boolean])[] = [
    ['PRODUCT', found.products.length > 0],
    ['LOCATION', found.locations.length > 0],
    ['MOVEMENT', found.movements.length > 0],
    ['RESERVATION', found.reservations.some(({ source }) => source === 'RESERVATION')],
    ['REFERENCE', found.references.length > 0],
    ['IDEMPOTENCY_KEY', found.operations.length > 0],
    ['PRINCIPAL', found.principals.length > 0],
  ];
  return is.filter(([, holds]) => holds).map(([kind]) => kind);
}
