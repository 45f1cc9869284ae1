/** A map with a bound: entries die at their time, and the oldest goes where there is no room. */

export class BoundedCache<Value> {
  private readonly entries = new Map<string, { readonly value: Value; readonly untilMs: number }>();

  constructor(private readonly entriesMax: number) {}

  /** @param nowMs of the same clock as the times given to `set`, in milliseconds. */
  get(key: string, nowMs: number): Value | undefined {
    const entry = this.entries.get(key);
    if (!entry) return undefined;
    if (nowMs < entry.untilMs) return entry.value;
    this.entries.delete(key);
    return undefined;
  }

  set(key: string, value: Value, untilMs: number): void {
    // A map keeps the order in which keys came; one that comes again comes last.
    this.entries.delete(key);
    if (this.entries.size >= this.entriesMax) {
      for (const oldest of this.entries.keys()) {
        this.entries.delete(oldest);
        break;
      }
    }
    this.entries.set(key, { value, untilMs });
  }

  get size(): number {
    return this.entries.size;
  }
}
