/**
 * Starts the requests of one event-loop turn together. Node reads one connection after another and runs each
 * request up to its first wait before it reads the next, so that each would ask Redis for its lock in a command of its
 * own. Started together, requests share those commands (docs/decisions/0008-one-way-of-http.md).
 *
 * A turn has a bound, which follows from what the last turns cost: a flood of expensive requests must not stop the
 * event loop. Where more requests wait than a turn begins, the clients take turns, so that one client delays itself.
 */
const PER_TURN_MIN = 64;
const PER_TURN_MAX = 512;
/** A turn should take less, up to the first wait of each of its requests. */
const TURN_MS = 100;

interface Waiting {
  readonly begin: () => void;
  after: Waiting | null;
}

/** The requests of one client. A list of links, so that it keeps none that has begun. */
interface Line {
  first: Waiting;
  last: Waiting;
}

export class Arrivals {
  /** By client, in the order in which they are next. */
  private readonly lines = new Map<string, Line>();
  private perTurn = PER_TURN_MAX / 2;
  private isScheduled = false;

  /** @param client whose requests begin in their order. */
  add(client: string, begin: () => void): void {
    const waiting: Waiting = { begin, after: null };
    const line = this.lines.get(client);
    if (line) line.last = line.last.after = waiting;
    else this.lines.set(client, { first: waiting, last: waiting });
    this.schedule();
  }

  private schedule(): void {
    if (this.isScheduled) return;
    this.isScheduled = true;
    let begun = 0;
    let startedMs = 0;
    setImmediate(() => {
      startedMs = performance.now();
      begun = this.beginTurn();
    });
    // Follows all that these requests do before their first wait, and nothing else.
    setImmediate(() => {
      this.adapt(begun, performance.now() - startedMs);
    });
  }

  private beginTurn(): number {
    this.isScheduled = false;
    let begun = 0;
    while (begun < this.perTurn && this.beginNext()) begun += 1;
    if (this.lines.size > 0) this.schedule();
    return begun;
  }

  private beginNext(): boolean {
    for (const [client, line] of this.lines) {
      const { begin, after } = line.first;
      if (after) line.first = after;
      if (this.lines.size > 1 || !after) {
        this.lines.delete(client);
        if (after) this.lines.set(client, line);
      }
      begin();
      return true;
    }
    return false;
  }

  private adapt(begun: number, tookMs: number): void {
    if (tookMs > TURN_MS) this.perTurn = Math.max(PER_TURN_MIN, begun >> 1);
    else if (begun === this.perTurn) this.perTurn = Math.min(PER_TURN_MAX, this.perTurn * 2);
  }
}
