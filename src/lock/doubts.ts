/**
 * Tickets of unknown fate: an answer got lost, or Redis went away while they were in its queue. Each is given up when
 * Redis can be told. Those that find no room are ended by their time to live.
 */
import { failureOf } from '../redis/failure.js';
import { LIMITS } from './settings.js';

export class Doubts {
  /** The keys, by ticket. */
  private readonly keys = new Map<string, string>();

  constructor(private readonly giveUp: (key: string, ticket: string) => Promise<unknown>) {}

  add(key: string, ticket: string): void {
    if (this.keys.size >= LIMITS.doubtsMax) {
      const [oldest = ''] = this.keys.keys();
      this.keys.delete(oldest);
    }
    this.keys.set(ticket, key);
  }

  /** @throws what Redis says; whatever could not be settled stays in doubt. */
  async settle(): Promise<void> {
    await Promise.all([...this.keys].map(([ticket, key]) => this.settleOne(key, ticket)));
  }

  private async settleOne(key: string, ticket: string): Promise<void> {
    try {
      await this.giveUp(key, ticket);
    } catch (error) {
      if (failureOf(error).kind !== 'unusable-key') throw error;
    }
    this.keys.delete(ticket);
  }
}
