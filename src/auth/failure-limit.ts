/**
 * Limits failed authentications by client address, so that guessing credentials is slow and costs few queries and
 * signatures. The counts are kept in this process, so the limit holds while Redis and MySQL are unavailable.
 */
import { isIPv6 } from 'node:net';
import { LRUCache } from 'lru-cache';
import { TooManyFailuresError } from './principal.js';

/** Failures that an address may have in one window; more are refused unverified. */
export const FAILURES_MAX = 20;
export const FAILURE_WINDOW_MS = 10_000;
/** Beyond this number of addresses the least recently used one is forgotten. */
const ADDRESSES_MAX = 10_000;
/** A network gives one customer 64 bits of IPv6, which are four groups. */
const IPV6_GROUPS = 4;
const IPV6_GROUPS_ALL = 8;

interface Window {
  failures: number;
  readonly endsMs: number;
}

export class FailureLimit {
  private readonly windows = new LRUCache<string, Window>({ max: ADDRESSES_MAX });

  /** @throws TooManyFailuresError */
  assertBelowLimit(address: string, nowMs: number): void {
    const window = this.windows.get(networkOf(address));
    if (!window || window.endsMs <= nowMs || window.failures < FAILURES_MAX) return;
    throw new TooManyFailuresError(Math.ceil(window.endsMs - nowMs));
  }

  count(address: string, nowMs: number): void {
    const network = networkOf(address);
    const window = this.windows.get(network);
    if (window && nowMs < window.endsMs) window.failures += 1;
    else this.windows.set(network, { failures: 1, endsMs: nowMs + FAILURE_WINDOW_MS });
  }
}

/** An IPv4 address as it is; of an IPv6 address only the half that its owner cannot choose. */
export function networkOf(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address);
  if (mapped?.[1]) return mapped[1];
  if (!isIPv6(address)) return address;
  const [head = '', tail] = address.split('::');
  const before = head === '' ? [] : head.split(':');
  const after = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = tail === undefined ? 0 : IPV6_GROUPS_ALL - before.length - after.length;
  const groups = [...before, ...Array.from({ length: Math.max(0, zeros) }, () => '0'), ...after];
  return groups
    .slice(0, IPV6_GROUPS)
    .map((group) => group.toLowerCase().replace(/^0+(?=.)/, ''))
    .join(':');
}
