/** All lanes of this process: one for each product that somebody wants right now. */
import type { CommitSlots } from './commit-slots.js';
import { GroupCommit } from './group-commit.js';
import { Lane, type LaneSettings } from './lane.js';
import { refusal, type LaneTicket } from './lane-entry.js';
import type { StockFailure } from '../stock.js';
import type { StockLocking } from './turns.js';
import type { StockStore, WriteResult } from '../stock-store.js';

export interface StockLanesSettings extends LaneSettings {
  /** The most lines in one transaction, but for a request that cannot be divided. */
  readonly batchMax: number;
}

export class StockLanes {
  private readonly lanes = new Map<string, Lane>();
  private readonly commits: GroupCommit;
  private stopped = false;
  private whenEmpty: () => void = () => undefined;

  constructor(
    store: StockStore,
    slots: CommitSlots,
    private readonly locking: StockLocking,
    private readonly settings: StockLanesSettings,
  ) {
    this.commits = new GroupCommit(store, slots, locking, settings);
  }

  /** Queues a write of which all lines concern this product. Rejects only for a mistake in our program. */
  enqueue(productId: string, ticket: LaneTicket): Promise<WriteResult> {
    if (this.stopped) return Promise.resolve(refusal(STOPPED));
    let lane = this.lanes.get(productId);
    if (!lane) {
      lane = new Lane(productId, this.locking, this.commits, this.settings, () => {
        this.lanes.delete(productId);
        if (this.lanes.size === 0) this.whenEmpty();
      });
      this.lanes.set(productId, lane);
    }
    return lane.enqueue(ticket);
  }

  /**
   * Answers all who still wait, and resolves when the commits under way have ended and every turn was given back, at
   * the latest after `graceMs` milliseconds.
   */
  async stop(graceMs: number): Promise<void> {
    this.stopped = true;
    for (const lane of this.lanes.values()) lane.refuseAll(STOPPED);
    if (this.lanes.size === 0) return;
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve) => {
      this.whenEmpty = resolve;
      timer = setTimeout(resolve, graceMs);
    });
    clearTimeout(timer);
  }
}

const STOPPED: StockFailure = { code: 'UNAVAILABLE', mayHaveApplied: false, retryable: true };
