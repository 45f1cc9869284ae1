/** What happened to products, locations, reservations and keyed requests, told from their rows. */
import type { JourneyEvent } from '../../inventory/journey.js';
import { readAnswers, refusalOf } from '../writing/stored-answers.js';

export interface FoundProduct {
  readonly createdAt: Date;
  readonly archivedAt: Date | null;
}

export interface FoundLocation {
  readonly createdAt: Date;
}

export interface FoundReservation {
  /** By what it was found. */
  readonly source: 'RESERVATION' | 'REFERENCE' | 'PRINCIPAL';
  readonly id: string;
  readonly status: 'ACTIVE' | 'COMMITTED' | 'RELEASED' | 'EXPIRED';
  readonly reference: string | null;
  readonly principal: string | null;
  readonly createdBy: Buffer;
  readonly closedBy: Buffer | null;
  readonly createdAt: Date;
  readonly expiresAt: Date;
  readonly isDue: number;
}

/** A request with an idempotency key. */
export interface FoundOperation {
  readonly id: Buffer;
  readonly principal: string | null;
  readonly operation: string;
  readonly reservationId: string | null;
  readonly answers: string | null;
  readonly expired: number;
  readonly createdAt: Date;
}

export interface OperationMoment {
  readonly id: Buffer;
  readonly createdAt: Date;
}

interface Found {
  readonly products: readonly FoundProduct[];
  readonly locations: readonly FoundLocation[];
  readonly reservations: readonly FoundReservation[];
  readonly operations: readonly FoundOperation[];
}

/** Newest first; those without a moment last. */
export function eventsOf(
  found: Found,
  moments: readonly OperationMoment[],
): readonly JourneyEvent[] {
  const momentOf = new Map(moments.map(({ id, createdAt }) => [id.toString('hex'), createdAt]));
  const reservations = new Map(found.reservations.map((each) => [each.id, each]));
  const events = [
    ...found.products.flatMap(ofProduct),
    ...found.locations.map(({ createdAt }) =>
      event('LOCATION_CREATED', createdAt, 'The location was created.'),
    ),
    ...[...reservations.values()].flatMap((each) => ofReservation(each, momentOf)),
    ...found.operations.map(ofOperation),
  ];
  return events.sort((a, b) => (b.at?.getTime() ?? 0) - (a.at?.getTime() ?? 0));
}

function event(
  kind: JourneyEvent['kind'],
  at: Date | null,
  text: string,
  more: Partial<JourneyEvent> = {},
): JourneyEvent {
  return { kind, at, text, principal: null, reservationId: null, operationId: null, ...more };
}

function ofProduct({ createdAt, archivedAt }: FoundProduct): JourneyEvent[] {
  const created = event('PRODUCT_CREATED', createdAt, 'The product was created.');
  if (!archivedAt) return [created];
  return [created, event('PRODUCT_ARCHIVED', archivedAt, 'The product was taken out of sale.')];
}

function ofReservation(
  reservation: FoundReservation,
  momentOf: ReadonlyMap<string, Date>,
): JourneyEvent[] {
  const { id: reservationId, principal, reference, createdBy, closedBy } = reservation;
  const { status, createdAt, expiresAt, isDue } = reservation;
  const until = `held until ${expiresAt.toISOString()}`;
  const order = reference === null ? '' : `, for ${JSON.stringify(reference)}`;
  const operationId = createdBy.toString('hex');
  const more = { principal, reservationId, operationId };
  const created = event('RESERVED', createdAt, `Units were reserved${order}, ${until}.`, more);
  if (status === 'EXPIRED' || (status === 'ACTIVE' && isDue !== 0)) {
    const expired = { principal: null, reservationId };
    return [created, event('RESERVATION_EXPIRED', expiresAt, 'The reservation expired.', expired)];
  }
  if (status === 'ACTIVE') return [created];
  const closed = closedBy?.toString('hex') ?? null;
  const at = (closed === null ? undefined : momentOf.get(closed)) ?? null;
  const ended = { reservationId, operationId: closed };
  if (status === 'COMMITTED') {
    const text = 'The reservation was committed: its units were deducted.';
    return [created, event('RESERVATION_COMMITTED', at, text, ended)];
  }
  const text = 'The reservation was released: its units are available again.';
  return [created, event('RESERVATION_RELEASED', at, text, ended)];
}

function ofOperation({ id, principal, operation, ...row }: FoundOperation): JourneyEvent {
  const { answers, expired, createdAt, reservationId } = row;
  const more = { principal, reservationId, operationId: id.toString('hex') };
  const told =
    expired !== 0 || answers === null ? 'its answer is not kept any more' : said(answers);
  return event('ANSWERED', createdAt, `${operation} was answered under the key: ${told}.`, more);
}

const SAID: Readonly<Record<string, string>> = {
  A: 'applied',
  I: 'INSUFFICIENT_STOCK',
  S: 'STALE_QUANTITY',
  P: 'PRODUCT_NOT_FOUND',
  X: 'PRODUCT_ARCHIVED',
  L: 'LOCATION_NOT_FOUND',
  Q: 'INVALID_QUANTITY',
  B: 'ABORTED',
};

/** As in `2 × applied, 1 × INSUFFICIENT_STOCK`. */
function said(answers: string): string {
  const counts = new Map<string, number>();
  for (const answer of readAnswers(answers).values()) {
    const refusal = refusalOf(answer);
    const word = refusal?.code ?? SAID[answer.charAt(0)] ?? 'an answer of another version';
    counts.set(word, (counts.get(word) ?? 0) + 1);
  }
  return [...counts].map(([word, count]) => `${count} × ${word}`).join(', ') || 'nothing';
}
