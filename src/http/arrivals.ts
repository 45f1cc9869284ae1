/**
 * Starts all requests of one event-loop turn together. Node reads one connection after another and runs each
 * request up to its first wait before it reads the next, so that each would ask Redis for its lock in a command of its
 * own. Started together, requests share those commands (docs/decisions/0008-one-way-of-http.md).
 */
export class Arrivals {
  private waiting: (() => void)[] = [];

  add(begin: () => void): void {
    if (this.waiting.push(begin) > 1) return;
    setImmediate(() => {
      const all = this.waiting;
      this.waiting = [];
      for (const each of all) each();
    });
  }
}
