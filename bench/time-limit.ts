/**
 * Ends a run in time, also on a slow machine: every scenario runs once, and is repeated only if it would end in time
 * when it takes as long as before.
 */
export class TimeLimit {
  private readonly endMs: number;
  private readonly tookMs = new Map<string, number>();

  /** @param withinMs from now on; with Infinity no repeat is left out. */
  constructor(
    withinMs: number,
    private readonly nowMs = () => performance.now(),
  ) {
    this.endMs = nowMs() + withinMs;
  }

  leavesOut(scenario: string): boolean {
    const lastMs = this.tookMs.get(scenario);
    return lastMs !== undefined && this.nowMs() + lastMs > this.endMs;
  }

  took(scenario: string, ms: number): void {
    this.tookMs.set(scenario, ms);
  }
}
