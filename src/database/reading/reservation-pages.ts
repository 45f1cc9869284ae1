/**
 * Pages of reservations, newest first, read by key.
 *
 * What holds stock now is found by the indexes of the lines, as long as it is no more than LOOK_MAX lines. Other lists
 * are read in their order; where a filter applies that has no index, at most LOOK_MAX reservations are looked at for
 * one page, which may so be short, and even empty, while the list goes on.
 */
import { InvalidCursorError, type Page, type PageRequest } from '../../inventory/pages.js';
import type { ReservedItem, Reservation } from '../../inventory/reservation.js';
import type { Owner, ReservationFilter } from '../../inventory/reservation-list.js';
import { isValidId } from '../../inventory/stock.js';
import type { Deadline } from '../../time/deadline.js';
import type { Reader } from '../reader.js';
import { EFFECTIVE_STATUS, type ReservationHead } from '../writing/reservation-statements.js';
import { LOOK_MAX, cursorOf, decodeCursor, lookForRows, toPage } from './pages.js';

/** With microseconds, which a Date does not have. */
const MOMENT = `DATE_FORMAT(created_at, '%Y-%m-%d %H:%i:%s.%f')`;

interface Key {
  readonly id: string;
  readonly moment: string;
}

export interface ReservationPageParts {
  readonly reader: Reader;
  readonly page: PageRequest;
  readonly filter: ReservationFilter & { readonly owner: Owner };
  readonly deadline: Deadline;
}

export class ReservationPage {
  private readonly order: string;
  private readonly index: string;

  constructor(private readonly parts: ReservationPageParts) {
    const { page, filter } = parts;
    // The newest are first.
    const direction = page.direction === 'FORWARD' ? 'DESC' : 'ASC';
    this.order = `ORDER BY created_at ${direction}, id ${direction}`;
    if (filter.reference !== undefined) this.index = 'reservations_by_reference';
    else if (filter.owner === 'ANY') this.index = 'reservations_by_time';
    else this.index = 'reservations_of_principal';
  }

  /** @throws InvalidCursorError, StorageUnavailableError */
  async read(): Promise<Page<Reservation>> {
    const { page, filter } = this.parts;
    const isNarrowed = filter.status !== undefined || filter.productId !== undefined;
    if (!isNarrowed) return this.toPage(await this.heads(null), null);
    const candidates = await this.candidates();
    if (candidates) return this.toPage(await this.heads(candidates), null);
    const { rows, lookedUntil } = await lookForRows(
      page,
      (max) => this.look(max),
      (looked) => this.heads(looked.map(({ id }) => id)),
    );
    return this.toPage(rows, lookedUntil);
  }

  /** All that can match, by the indexes of the lines; null: too many, or no index tells it. */
  private async candidates(): Promise<readonly string[] | null> {
    const { reader, filter, deadline } = this.parts;
    const { status, productId, reference } = filter;
    if (reference !== undefined || (productId === undefined && status !== 'ACTIVE')) return null;
    const conditions = [
      ...(productId === undefined ? [] : ['product_id = :productId']),
      ...(status === 'ACTIVE' ? ['held_until > NOW(6)'] : []),
    ];
    const index =
      productId === undefined ? 'reservation_lines_due' : 'reservation_lines_due_of_product';
    const lines = await reader.list<{ id: string }>(
      `SELECT reservation_id AS id FROM reservation_lines FORCE INDEX (${index})
       WHERE ${conditions.join(' AND ')} LIMIT ${LOOK_MAX}`,
      { productId },
      deadline,
    );
    return lines.length < LOOK_MAX ? [...new Set(lines.map(({ id }) => id))] : null;
  }

  /** The next reservations of the list, whatever their status and products. */
  private look(max: number): Promise<readonly Key[]> {
    const { reader, deadline } = this.parts;
    const { conditions, replacements } = this.place();
    return reader.list<Key>(
      `SELECT id, ${MOMENT} AS moment FROM reservations FORCE INDEX (${this.index})
       ${whereOf(conditions)} ${this.order} LIMIT :max`,
      { ...replacements, max },
      deadline,
    );
  }

  /** The reservations of the page, one more than it shows. @param among null: all. */
  private heads(among: readonly string[] | null): Promise<readonly (ReservationHead & Key)[]> {
    const { reader, page, filter, deadline } = this.parts;
    if (among?.length === 0) return Promise.resolve([]);
    const { conditions, replacements } = this.place();
    if (among) {
      conditions.push('id IN (:among)');
      if (filter.status !== undefined) conditions.push(`${EFFECTIVE_STATUS} = :status`);
      if (filter.productId !== undefined) {
        conditions.push(`EXISTS (SELECT 1 FROM reservation_lines AS line
          WHERE line.reservation_id = reservations.id AND line.product_id = :productId)`);
      }
    }
    const { status, productId } = filter;
    return reader.list<ReservationHead & Key>(
      `SELECT id, ${EFFECTIVE_STATUS} AS status, expires_at AS expiresAt, reference, created_at AS createdAt,
              principal, ${MOMENT} AS moment
       FROM reservations FORCE INDEX (${among ? 'PRIMARY' : this.index})
       ${whereOf(conditions)} ${this.order} LIMIT :limit`,
      { ...replacements, among, status, productId, limit: page.limit + 1 },
      deadline,
    );
  }

  /** Which reservations the list has behind the cursor, all of it by one index. */
  private place(): { conditions: string[]; replacements: Record<string, unknown> } {
    const { page, filter } = this.parts;
    const conditions: string[] = [];
    const replacements: Record<string, unknown> = {};
    const equals = (column: 'principal' | 'reference', value: string) => {
      // The column's collation takes other letters for the same; the index finds them, and the bytes decide.
      conditions.push(`${column} = :${column}`);
      conditions.push(`CAST(${column} AS BINARY) = CAST(:${column} AS BINARY)`);
      replacements[column] = value;
    };
    if (filter.reference !== undefined) equals('reference', filter.reference);
    if (filter.owner !== 'ANY') {
      if (filter.owner.principal === null) conditions.push('principal IS NULL');
      else equals('principal', filter.owner.principal);
    }
    const cursor = cursorOf(page);
    if (cursor !== null) {
      const [moment = '', id = ''] = decodeCursor(cursor, 2);
      if (!isMoment(moment) || !isValidId(id)) throw new InvalidCursorError();
      const sign = page.direction === 'FORWARD' ? '<' : '>';
      conditions.push(
        `created_at ${sign}= :moment AND (created_at ${sign} :moment OR id ${sign} :id)`,
      );
      replacements.moment = moment;
      replacements.id = id;
    }
    return { conditions, replacements };
  }

  private async toPage(
    rows: readonly (ReservationHead & Key)[],
    lookedUntil: Key | null,
  ): Promise<Page<Reservation>> {
    const { reader, page, deadline } = this.parts;
    const ids = rows.slice(0, page.limit).map(({ id }) => id);
    const lines =
      ids.length === 0
        ? []
        : await reader.list<ReservedItem & { readonly id: string }>(
            `SELECT reservation_id AS id, product_id AS productId, location_id AS locationId, quantity
             FROM reservation_lines WHERE reservation_id IN (:ids) ORDER BY reservation_id, line_index`,
            { ids },
            deadline,
          );
    const items = new Map<string, ReservedItem[]>(ids.map((id) => [id, []]));
    for (const { id, ...item } of lines) items.get(id)?.push(item);
    const sortKey = ({ moment, id }: Key) => [moment, id];
    return toPage(page, rows, {
      node: ({ id, status, expiresAt, reference, createdAt, principal }) => {
        return {
          id,
          status,
          expiresAt,
          reference,
          createdAt,
          principal,
          items: items.get(id) ?? [],
        };
      },
      sortKey,
      lookedUntil: lookedUntil && sortKey(lookedUntil),
    });
  }
}

function whereOf(conditions: readonly string[]): string {
  return conditions.length > 0 ? `WHERE ${conditions.join(' AND ')}` : '';
}

/** Whether the text is a moment as MOMENT writes it: any other text would be an error of the server. */
function isMoment(text: string): boolean {
  if (!/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6}$/.test(text)) return false;
  const date = new Date(`${text.slice(0, 23).replace(' ', 'T')}Z`);
  const isReal = !Number.isNaN(date.getTime());
  return isReal && date.toISOString().slice(0, 19) === text.slice(0, 19).replace(' ', 'T');
}
