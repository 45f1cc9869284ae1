/** One attempt at a lock of a quorum, by the package redis-semaphore. */
import { RedlockMutex } from 'redis-semaphore';
import type { QuorumNode } from './quorum-node.js';

/** What the package's lock does once and now: it neither retries nor renews by itself. */
export class QuorumMutex extends RedlockMutex {
  constructor(nodes: readonly QuorumNode[], key: string, identifier: string, ttlMs: number) {
    super(
      nodes.map(({ client }) => client),
      key,
      {
        ...{ identifier, lockTimeout: ttlMs, refreshInterval: 0 },
        ...{ acquireAttemptsLimit: 1, retryInterval: 0 },
      },
    );
  }

  /** @returns whether a majority still had it. */
  renew(): Promise<boolean> {
    return this._refresh();
  }
}
