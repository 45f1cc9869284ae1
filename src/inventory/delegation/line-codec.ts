/**
 * Messages between processes as JSON. They were authenticated before they are read, so all that is checked is that
 * they are of the form that this version writes.
 */
import type { WriteResult } from '../stock-store.js';
import {
  isValidId,
  type LineChange,
  type Operation,
  type OperationName,
  type StockLine,
  type StockWrite,
} from '../stock.js';

/** A write that is handed to the owner of its one product. Times are how much is left of them, never points in time. */
export interface Offer {
  /** As in `Delegated`, with the attempt and the age. */
  readonly call: string;
  readonly attempt: number;
  /** Whether all attempts so far went to this owner. */
  readonly alone: boolean;
  /** Until its commit must have begun, in milliseconds. */
  readonly waitMs: number;
  /** Until its caller waits for an answer, in milliseconds. */
  readonly deadlineMs: number;
  readonly ageMs: number;
  readonly productId: string;
  readonly write: StockWrite;
}

/** NOT_TAKEN: it is not decided there, and will not be. WAITING: it is still to be decided. */
export type Reply = WriteResult | 'NOT_TAKEN' | 'WAITING';

export interface Answer {
  readonly call: string;
  readonly attempt: number;
  readonly reply: Reply;
}

export type Message =
  | { readonly kind: 'OFFERS'; readonly offers: readonly Offer[] }
  | { readonly kind: 'ANSWERS'; readonly answers: readonly Answer[] }
  /** The callers of these have hung up. */
  | { readonly kind: 'CANCELS'; readonly calls: readonly string[] };

export function encode(message: Message): string {
  const { kind } = message;
  if (kind === 'OFFERS') return JSON.stringify([kind, message.offers.map(packOffer)]);
  if (kind === 'CANCELS') return JSON.stringify([kind, message.calls]);
  return JSON.stringify([
    kind,
    message.answers.map(({ call, attempt, reply }) => [call, attempt, reply]),
  ]);
}

/** @returns null where the text is not of this form. */
export function decode(text: string): Message | null {
  try {
    const [kind, list] = JSON.parse(text) as [string, unknown[]];
    switch (kind) {
      case 'OFFERS':
        return { kind, offers: list.map(unpackOffer) };
      case 'ANSWERS':
        return { kind, answers: list.map(unpackAnswer) };
      case 'CANCELS':
        return { kind, calls: list.map(name) };
      default:
        return null;
    }
  } catch {
    return null;
  }
}

type PackedLine = readonly [number, string, number, LineChange];
type PackedWrite = readonly [
  type: StockWrite['type'],
  name: OperationName,
  principal: string | null,
  key: string | null,
  id: string,
  fingerprint: string,
  atomic: boolean,
  lines: readonly PackedLine[],
  reason: string | null,
  reference: string | null,
  reservation: readonly unknown[],
];

function packOffer(offer: Offer): unknown[] {
  const { call, attempt, alone, waitMs, deadlineMs, ageMs, productId, write } = offer;
  const times = [waitMs, deadlineMs, ageMs].map(packTime);
  const { trace } = write;
  // The last one: a process that does not know it reads the others.
  return [call, attempt, alone, ...times, productId, packWrite(write), trace?.traceparent];
}

function unpackOffer(packed: unknown): Offer {
  const [call, attempt, alone, waitMs, deadlineMs, ageMs, product, write, traceparent] =
    packed as unknown[];
  const productId = name(product);
  const unpacked = unpackWrite(write as PackedWrite, productId);
  return {
    call: name(call),
    attempt: wholeNumber(attempt),
    alone: alone === true,
    productId,
    waitMs: unpackTime(waitMs),
    deadlineMs: unpackTime(deadlineMs),
    ageMs: unpackTime(ageMs),
    write: typeof traceparent === 'string' ? { ...unpacked, trace: { traceparent } } : unpacked,
  };
}

function packWrite(write: StockWrite): PackedWrite {
  const { type, operation, atomic, lines, reason, reference } = write;
  const { name, principal, idempotencyKey, id, fingerprint } = operation;
  return [
    type,
    name,
    principal,
    idempotencyKey,
    id.toString('base64'),
    fingerprint.toString('base64'),
    atomic,
    lines.map(({ index, locationId, quantity, change }) => [index, locationId, quantity, change]),
    reason,
    reference,
    reservationOf(write),
  ];
}

function reservationOf(write: StockWrite): readonly unknown[] {
  if (write.type === 'CREATING') return [write.reservationId, write.ttlSeconds];
  if (write.type === 'CLOSING') return [write.reservationId, write.closeAs, write.mayManage];
  return [];
}

function unpackWrite(packed: PackedWrite, productId: string): StockWrite {
  const [type, operationName, principal, idempotencyKey, id, fingerprint, atomic] = packed;
  const [, , , , , , , lines, reason, reference, [reservationId, second, third]] = packed;
  const operation: Operation = {
    name: operationName,
    principal,
    scope: principal ?? '',
    idempotencyKey,
    id: Buffer.from(id, 'base64'),
    fingerprint: Buffer.from(fingerprint, 'base64'),
  };
  const parts = {
    operation,
    atomic,
    lines: lines.map(([index, locationId, quantity, change]): StockLine => {
      return { index, productId, locationId, quantity, change };
    }),
    productIds: [productId],
    reason,
    reference,
  };
  switch (type) {
    case 'LINES':
    case 'SWEEPING':
      return { type, ...parts };
    case 'CREATING':
      return {
        ...{ type, ...parts },
        reservationId: String(reservationId),
        ttlSeconds: wholeNumber(second),
      };
    case 'CLOSING':
      return {
        ...{ type, ...parts },
        reservationId: String(reservationId),
        closeAs: second === 'COMMITTED' ? second : 'RELEASED',
        mayManage: third === true,
      };
  }
}

function unpackAnswer(packed: unknown): Answer {
  const [call, attempt, reply] = packed as [unknown, unknown, Reply];
  return { call: name(call), attempt: wholeNumber(attempt), reply: revive(reply) };
}

/** With its dates, which are texts in JSON. */
function revive(reply: Reply): Reply {
  if (reply === 'NOT_TAKEN' || reply === 'WAITING') return reply;
  if (!['DECIDED', 'REFUSED', 'KEY_REUSED'].includes(reply.outcome)) throw new Error('No result.');
  if (reply.outcome !== 'DECIDED' || !reply.reservation) return reply;
  const { expiresAt, createdAt } = reply.reservation;
  const dates = { expiresAt: new Date(expiresAt), createdAt: new Date(createdAt) };
  return { ...reply, reservation: { ...reply.reservation, ...dates } };
}

/** JSON has no Infinity. */
function packTime(ms: number): number | null {
  return Number.isFinite(ms) ? Math.round(ms * 10) / 10 : null;
}

function unpackTime(value: unknown): number {
  if (value === null) return Infinity;
  if (typeof value !== 'number' || !(value >= 0)) throw new Error('No time.');
  return value;
}

/** Of a product or a call. */
function name(value: unknown): string {
  if (typeof value !== 'string' || !isValidId(value)) throw new Error('No name.');
  return value;
}

function wholeNumber(value: unknown): number {
  if (!Number.isSafeInteger(value)) throw new Error('No whole number.');
  return value as number;
}
