/**
 * Where the storage tells of what was committed, and from where it goes to all who pass it on. Whatever goes wrong on
 * the way ends here, in the log: the transaction stands, and its answer must not change.
 */
import type { ChangedLevel, StockChanges } from '../inventory/stock-changes.js';
import type { ChangeLog } from './change-log.js';

export class Announcer implements StockChanges {
  private readonly listeners: StockChanges[] = [];

  constructor(private readonly log: ChangeLog) {}

  tell(listener: StockChanges): void {
    this.listeners.push(listener);
  }

  committed(levels: readonly ChangedLevel[]): void {
    if (levels.length === 0) return;
    this.toAll((listener) => {
      listener.committed(levels);
    });
  }

  uncertain(since: Date): void {
    this.toAll((listener) => {
      listener.uncertain(since);
    });
  }

  private toAll(pass: (listener: StockChanges) => void): void {
    for (const listener of this.listeners) {
      try {
        pass(listener);
      } catch (error) {
        this.log.error({ err: error }, 'A change of stock could not be announced.');
      }
    }
  }
}
