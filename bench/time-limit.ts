/**
 * Lets a run end in time on a slow machine, too: every scenario runs once, and again where it would be over in time if
 * it took as long as the last time.
 */
export class TimeLimit {
  private readonly endMs: number;
  private readonly tookMs = new Map<string, number>();

  /** @param withinMs from now on; Infinity leaves nothing out. */
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
