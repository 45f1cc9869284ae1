/**
 * Refused credentials, counted by the address that they came from: who guesses gets few guesses, and they cost us no
 * query and no signature. Kept in this process alone, so it works whatever else is away.
 */
import { isIPv6 } from 'node:net';
import { BoundedCache } from './bounded-cache.js';
import { TooManyFailuresError } from './principal.js';

/** Failures of one address in one window, until it is not listened to any more. */
export const FAILURES_MAX = 20;
export const FAILURE_WINDOW_MS = 10_000;
/** The oldest address is forgotten where more than these fail at once. */
const ADDRESSES_MAX = 10_000;
/** What one customer of a network is given in IPv6: 64 bits, four groups. */
const IPV6_GROUPS = 4;
const IPV6_GROUPS_ALL = 8;

interface Window {
  failures: number;
  readonly endsMs: number;
}

export class FailureLimit {
  private readonly windows = new BoundedCache<Window>(ADDRESSES_MAX);

  /** @throws TooManyFailuresError */
  assertListening(address: string, nowMs: number): void {
    const window = this.windows.get(networkOf(address), nowMs);
    if (!window || window.failures < FAILURES_MAX) return;
    throw new TooManyFailuresError(Math.ceil(window.endsMs - nowMs));
  }

  count(address: string, nowMs: number): void {
    const network = networkOf(address);
    const window = this.windows.get(network, nowMs);
    if (window) {
      window.failures += 1;
      return;
    }
    const endsMs = nowMs + FAILURE_WINDOW_MS;
    this.windows.set(network, { failures: 1, endsMs }, endsMs);
  }
}

/** An IPv4 address as it is, an IPv6 address without the half that its owner chooses freely. */
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
