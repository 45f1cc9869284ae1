/**
 * Limits failed authentications by client address, so that guessing credentials is slow and costs few queries. The
 * counts are kept in this process, so the limit holds while Redis and MySQL are unavailable.
 *
 * A failure is counted when the credential arrives and given back when it proves valid. Counted afterwards, all
 * guesses that arrive during the first look-up would be looked up as well.
 */
import { LRUCache } from 'lru-cache';
import { networkOf } from './network.js';

export const FAILURE_WINDOW_MS = 10_000;
/** Beyond this number of addresses the least recently used one is forgotten. */
const ADDRESSES_MAX = 10_000;

interface Window {
  failures: number;
  readonly endsMs: number;
}

/** One counted failure. */
export interface CountedFailure {
  /** The credential was valid, or could not be verified: it was no guess. */
  giveBack(): void;
}

export class FailureLimit {
  private readonly windows = new LRUCache<string, Window>({ max: ADDRESSES_MAX });

  /** @param failuresMax the failures that an address may have in one window. */
  constructor(private readonly failuresMax: number) {}

  /** Counts a failure in advance, or says after how many milliseconds the address may fail again. */
  count(address: string, nowMs: number): CountedFailure | { readonly retryAfterMs: number } {
    const network = networkOf(address);
    const window = this.windowOf(network, nowMs);
    if (window.failures >= this.failuresMax)
      return { retryAfterMs: Math.ceil(window.endsMs - nowMs) };
    window.failures += 1;
    return {
      giveBack: () => {
        window.failures -= 1;
      },
    };
  }

  private windowOf(network: string, nowMs: number): Window {
    const window = this.windows.get(network);
    if (window && nowMs < window.endsMs) return window;
    const fresh = { failures: 0, endsMs: nowMs + FAILURE_WINDOW_MS };
    this.windows.set(network, fresh);
    return fresh;
  }
}
