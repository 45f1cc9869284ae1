/**
 * Levels as the last transactions of this process found or left them: a hint that saves a read, never the truth.
 *
 * What is decided from a hint is written only by a statement that compares the level's version, so a stale hint costs a
 * second attempt and nothing else. A hint is taken under the lease under which it was made, for nobody else has had the
 * lock since; under another one only while nobody else has been seen to change the level in between.
 */
import { levelKey, type StockLevelState } from '../../inventory/stock.js';

interface Remembered {
  readonly level: StockLevelState;
  readonly fencingToken: bigint | null;
  /** The last time that the level was read again it was as it had been left. */
  readonly undisturbed: boolean;
}

const LEVELS_MAX = 20_000;

export class LevelMemory {
  private readonly levels = new Map<string, Remembered>();

  recall(
    place: { readonly productId: string; readonly locationId: string },
    fencingToken: bigint | null,
  ): StockLevelState | null {
    const remembered = this.levels.get(levelKey(place));
    if (!remembered) return null;
    const sameLease = fencingToken !== null && fencingToken === remembered.fencingToken;
    return sameLease || remembered.undisturbed ? remembered.level : null;
  }

  /** The level was read. */
  found(level: StockLevelState, fencingToken: bigint | null): void {
    const key = levelKey(level);
    const undisturbed = this.levels.get(key)?.level.version === level.version;
    this.keep(key, { level, fencingToken, undisturbed });
  }

  /** The level was changed, and COMMIT has returned. */
  left(level: StockLevelState, fencingToken: bigint | null): void {
    const key = levelKey(level);
    const undisturbed = this.levels.get(key)?.undisturbed ?? false;
    this.keep(key, { level, fencingToken, undisturbed });
  }

  /** Who was remembered first is forgotten first: to read a level again costs little. */
  private keep(key: string, remembered: Remembered): void {
    this.levels.set(key, remembered);
    if (this.levels.size <= LEVELS_MAX) return;
    const [oldest] = this.levels.keys();
    if (oldest !== undefined) this.levels.delete(oldest);
  }
}
