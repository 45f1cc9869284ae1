/**
 * The levels as the last transactions of this process read or left them: a hint that saves a read.
 *
 * A decision from a hint is written by a statement that compares the level's version, so a stale hint only costs a
 * second attempt. A hint is used under the lease under which it was made, because no other process has
 * had the lock since. Under another lease it is used only if no other process was seen to change the level meanwhile.
 */
import { RecentLevels } from '../../inventory/recent-levels.js';
import { levelKey, type StockLevelState } from '../../inventory/stock.js';

interface Remembered {
  readonly level: StockLevelState;
  readonly fencingToken: bigint | null;
  /** The last reread found the version that this process had written. */
  readonly undisturbed: boolean;
}

export class LevelMemory {
  private readonly levels = new RecentLevels<Remembered>();

  recall(
    place: { readonly productId: string; readonly locationId: string },
    fencingToken: bigint | null,
  ): StockLevelState | null {
    const remembered = this.levels.get(levelKey(place));
    if (!remembered) return null;
    const sameLease = fencingToken !== null && fencingToken === remembered.fencingToken;
    return sameLease || remembered.undisturbed ? remembered.level : null;
  }

  /** Stores a level that the caller has just read and recalls next. */
  hasJustRead(level: StockLevelState): void {
    this.levels.set(levelKey(level), { level, fencingToken: null, undisturbed: true });
  }

  /** Stores a level that was read. */
  found(level: StockLevelState, fencingToken: bigint | null): void {
    const key = levelKey(level);
    const undisturbed = this.levels.get(key)?.level.version === level.version;
    this.levels.set(key, { level, fencingToken, undisturbed });
  }

  /** Stores a level that a committed transaction of this process has changed. */
  left(level: StockLevelState, fencingToken: bigint | null): void {
    const key = levelKey(level);
    const undisturbed = this.levels.get(key)?.undisturbed ?? false;
    this.levels.set(key, { level, fencingToken, undisturbed });
  }
}
