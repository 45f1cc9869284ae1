/**
 * The messages that processes exchange over Redis Pub/Sub, each a JSON array:
 *
 *     [kind, publisher, sequence, body]
 *
 * `sequence` counts the publisher's messages, so a listener detects a lost one. A heartbeat carries the number of the
 * message before it, so a loss at the end is detected as well. Missing heartbeats mean that the publisher died,
 * perhaps with unpublished changes.
 */
import { isValidId } from '../inventory/stock.js';
import type { ChangedLevel } from '../inventory/stock-changes.js';
import { parseRedisUrl, serverOf } from '../redis/address.js';
import type { ConnectionSettings } from '../redis/connection.js';
import type { Clock, Random } from '../time/clock.js';

/** Longer than the lock's timeouts, because publishing is not urgent. */
const COMMAND_TIMEOUT_MS = 2_000;

/** Where publisher and listener log; pino fits. */
export interface ChangeLog {
  info(details: object, message: string): void;
  warn(details: object, message: string): void;
  error(details: object, message: string): void;
}

export type ChangeMessage = { readonly publisher: string; readonly sequence: number } & (
  | { readonly kind: 'CHANGED'; readonly levels: readonly ChangedLevel[] }
  /** The publisher could not publish some changes, since this moment by its clock. */
  | { readonly kind: 'MISSED'; readonly sinceMs: number }
  | { readonly kind: 'HEARTBEAT' }
  /** The publisher has stopped in order: its silence from now on is no loss. */
  | { readonly kind: 'BYE' }
);

/** Pub/Sub ignores databases; installations that share a Redis by database number need channels of their own. */
export function channelOf(redisUrl: string): string {
  const [{ database }] = parseRedisUrl(redisUrl);
  return `stock:changes:${database}`;
}

/** Settings that publisher and listener share. */
export interface ChangeSettings {
  /** In one of the forms of src/redis/address.ts; of several servers the channel is at one. */
  readonly redisUrl: string;
  /** Identifies this process among the publishers. */
  readonly name: string;
  readonly log: ChangeLog;
  readonly clock: Clock;
  readonly random: Random;
}

/** @param purpose stands in the connection's name in Redis' list of clients. */
export function connectionOf(settings: ChangeSettings, purpose: string): ConnectionSettings {
  const { redisUrl, name, clock, random } = settings;
  return {
    server: serverOf(parseRedisUrl(redisUrl), channelOf(redisUrl)),
    name: `${purpose}:${name}`,
    commandTimeoutMs: COMMAND_TIMEOUT_MS,
    clock,
    random,
  };
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

/** Null where the text is no valid message: any client of Redis may publish on the channel. */
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
