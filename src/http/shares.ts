/** How much each key has of something now, up to a bound for each. A key that has nothing costs nothing. */
export class Shares {
  private readonly taken = new Map<string, number>();

  constructor(readonly max: number) {}

  /** Takes one for the key; false where it has its share already. */
  take(key: string): boolean {
    const count = this.taken.get(key) ?? 0;
    if (count >= this.max) return false;
    this.taken.set(key, count + 1);
    return true;
  }

  isFull(key: string): boolean {
    return (this.taken.get(key) ?? 0) >= this.max;
  }

  giveBack(key: string): void {
    const count = this.taken.get(key) ?? 0;
    if (count > 1) this.taken.set(key, count - 1);
    else this.taken.delete(key);
  }
}
