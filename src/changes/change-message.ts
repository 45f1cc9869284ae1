/**
 * What processes say to each other over Redis Pub/Sub, one JSON array for each message:
 *
 *     [kind, publisher, sequence, body]
 *
 * `sequence` counts the publisher's messages, so that whoever listens notices the loss of one. A heartbeat has the
 * number of the message before it; it tells of a loss after which nothing else was said, and its absence tells that a
 * publisher has died with something unsaid.
 */
import { isValidId } from '../inventory/stock.js';
import type { ChangedLevel } from '../inventory/stock-changes.js';

export type ChangeMessage = { readonly publisher: string; readonly sequence: number } & (
  | { readonly kind: 'CHANGED'; readonly levels: readonly ChangedLevel[] }
  /** The publisher could not say something that it had to say, since this moment by its clock. */
  | { readonly kind: 'MISSED'; readonly sinceMs: number }
  | { readonly kind: 'HEARTBEAT' }
  /** The publisher ends in order: its silence from now on means nothing. */
  | { readonly kind: 'BYE' }
);

/** Pub/Sub knows no databases, and installations that share a Redis by database number must not hear each other. */
export function channelOf(redisUrl: string): string {
  const database = new URL(redisUrl).pathname.slice(1);
  return `stock:changes:${database === '' ? '0' : database}`;
}

export function encode(message: ChangeMessage): string {
  const { kind, publisher, sequence } = message;
  const head = [kind, publisher, sequence];
  switch (kind) {
    case 'CHANGED':
      return JSON.stringify([
        ...head,
        message.levels.map((level) => [
          level.productId,
          level.locationId,
          level.onHand,
          level.reserved,
          level.version,
        ]),
      ]);
    case 'MISSED':
      return JSON.stringify([...head, message.sinceMs]);
    case 'HEARTBEAT':
    case 'BYE':
      return JSON.stringify(head);
  }
}

/** Null where it is no message of ours: anybody may publish anything. */
export function decode(text: string): ChangeMessage | null {
  const parts = parseArray(text);
  if (!parts) return null;
  const [kind, publisher, sequence, body] = parts;
  if (typeof publisher !== 'string' || !isCount(sequence)) return null;
  const head = { publisher, sequence };
  switch (kind) {
    case 'CHANGED': {
      const levels = Array.isArray(body) ? body.map(decodeLevel) : [null];
      return levels.every((level) => level !== null) ? { ...head, kind, levels } : null;
    }
    case 'MISSED':
      return isCount(body) ? { ...head, kind, sinceMs: body } : null;
    case 'HEARTBEAT':
    case 'BYE':
      return { ...head, kind };
    default:
      return null;
  }
}

function decodeLevel(row: unknown): ChangedLevel | null {
  if (!Array.isArray(row)) return null;
  const [productId, locationId, onHand, reserved, version] = row as unknown[];
  const known =
    isId(productId) && isId(locationId) && isCount(onHand) && isCount(reserved) && isCount(version);
  return known ? { productId, locationId, onHand, reserved, version } : null;
}

function parseArray(text: string): unknown[] | null {
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) ? value : null;
  } catch {
    return null;
  }
}

function isId(value: unknown): value is string {
  return typeof value === 'string' && isValidId(value);
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
