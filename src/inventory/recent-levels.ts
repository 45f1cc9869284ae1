/**
 * What is remembered of the levels that were set last, of 10,000 levels at least. Two maps take turns: to find the
 * oldest entry of one full map for each new one would cost more than all the rest of a change, because a map keeps the
 * places of deleted entries for a while.
 */
const LEVELS_MIN = 10_000;

export class RecentLevels<Value> {
  private recent = new Map<string, Value>();
  private older: ReadonlyMap<string, Value> = new Map();

  /** @param key as of `levelKey`. */
  get(key: string): Value | undefined {
    return this.recent.get(key) ?? this.older.get(key);
  }

  set(key: string, value: Value): void {
    this.recent.set(key, value);
    if (this.recent.size < LEVELS_MIN) return;
    this.older = this.recent;
    this.recent = new Map();
  }
}
