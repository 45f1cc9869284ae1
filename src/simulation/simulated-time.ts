/**
 * Simulated time: a queue of events, in the order of their times and, at the same time, of their scheduling. One event
 * runs, then every microtask that it caused, then the next event; nothing else moves the clock. So a run is a function
 * of its seed alone.
 *
 * Invariants:
 * 1. Events run one at a time; no promise of one event is pending work when the next event begins.
 * 2. The clock never goes back, and it jumps over idle spans.
 * 3. `traceHash` covers every event's time and label: equal hashes mean the same run.
 */
import type { Timer } from '../time/clock.js';

interface Event extends Timer {
  readonly atMs: number;
  readonly order: number;
  readonly label: string;
  run: (() => void) | null;
}

const STEPS_PER_MS = 1_024;

/** How many events are prepared for one iteration of Node's loop; microtasks are drained between them all the same. */
const EVENTS_PER_ITERATION = 64;

export class SimulatedTime {
  nowMs = 0;
  events = 0;
  private readonly heap: Event[] = [];
  private scheduled = 0;
  private hash = 0x811c9dc5;

  /** Eight hexadecimal digits of all that has happened. */
  get traceHash(): string {
    return (this.hash >>> 0).toString(16).padStart(8, '0');
  }

  /** Adds something that happened to the trace; an event's label is added by itself. */
  note(text: string): void {
    let { hash } = this;
    for (let i = 0; i < text.length; i += 1) {
      hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
    }
    this.hash = hash;
  }

  after(delayMs: number, label: string, run: () => void): Timer {
    this.scheduled += 1;
    const event: Event = {
      // On a grid of binary fractions, so that sums and differences of times are exact in any process's clock.
      atMs: this.nowMs + Math.ceil(Math.max(0, delayMs) * STEPS_PER_MS) / STEPS_PER_MS,
      order: this.scheduled,
      label,
      run,
      cancel() {
        event.run = null;
      },
    };
    this.push(event);
    return event;
  }

  /** Runs events until there are none before this time, and sets the clock to it. @throws what an event throws. */
  runUntil(endMs: number): Promise<void> {
    return new Promise((resolve, reject) => {
      let ended = false;
      let prepared = 0;
      const prepare = () => {
        for (; prepared < EVENTS_PER_ITERATION; prepared += 1) setImmediate(step);
      };
      const step = () => {
        prepared -= 1;
        if (ended) return;
        try {
          const event = this.next(endMs);
          if (event === null) {
            ended = true;
            this.nowMs = Math.max(this.nowMs, endMs);
            resolve();
            return;
          }
          this.runOne(event);
        } catch (error) {
          ended = true;
          // What an event threw is what the run is about, an Error or not.
          // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors
          reject(error);
          return;
        }
        if (prepared === 0) prepare();
      };
      prepare();
    });
  }

  private runOne({ atMs, label, run }: Event): void {
    this.nowMs = atMs;
    this.events += 1;
    this.hash = Math.imul(this.hash ^ Math.round(atMs * 1_000), 0x01000193);
    this.note(label);
    run?.();
  }

  /** The next event that was not cancelled, taken out; null where there is none until then. */
  private next(endMs: number): Event | null {
    for (;;) {
      const [first] = this.heap;
      if (!first || (first.run && first.atMs > endMs)) return null;
      this.pop();
      if (first.run) return first;
    }
  }

  private push(event: Event): void {
    const { heap } = this;
    let at = heap.length;
    heap.push(event);
    while (at > 0) {
      const above = (at - 1) >> 1;
      const parent = heap[above];
      if (!parent || isBefore(parent, event)) break;
      heap[at] = parent;
      at = above;
    }
    heap[at] = event;
  }

  private pop(): void {
    const { heap } = this;
    const last = heap.pop();
    if (!last || heap.length === 0) return;
    let at = 0;
    for (;;) {
      let below = 2 * at + 1;
      const left = heap[below];
      const right = heap[below + 1];
      if (left && right && isBefore(right, left)) below += 1;
      const child = heap[below];
      if (!child || isBefore(last, child)) break;
      heap[at] = child;
      at = below;
    }
    heap[at] = last;
  }
}

function isBefore(a: Event, b: Event): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
}
