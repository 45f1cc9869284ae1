/**
 * The entries of a lane that are in no commit yet. Principals take turns by lines, and each principal's entries keep
 * the order of their arrival. Without authentication all entries are of one principal.
 */
import type { Clock } from '../../time/clock.js';
import { UNAVAILABLE, type OperationName } from '../stock.js';
import { Chain, type Link } from './chain.js';
import type { LaneEntry } from './lane-entry.js';
import { Pace } from './pace.js';
import { TurnQueue, type Place } from './turn-queue.js';

/** An entry's place in the order of arrival, whichever its principal. */
export class Arrival implements Link<Arrival> {
  previous: Arrival | null = null;
  next: Arrival | null = null;
  readonly place: Place<Arrival>;
  isWaiting = true;

  constructor(
    readonly entry: LaneEntry,
    turns: TurnQueue<Arrival>,
    isBack = false,
  ) {
    const { lines } = entry.write;
    this.place = isBack
      ? turns.putBack(partyOf(entry), this, lines.length)
      : turns.push(partyOf(entry), this, lines.length);
  }
}

/** Principals take turns; without authentication the processes do. */
function partyOf({ write, origin }: LaneEntry): string {
  const { principal, scope } = write.operation;
  // A line feed is in no id of a process, and the name of a principal does not begin with one.
  return principal === null && origin ? `\n${origin.process}` : scope;
}

export class EntryQueue {
  private readonly turns = new TurnQueue<Arrival>();
  private readonly arrivals = new Chain<Arrival>();
  /** In lines. */
  private readonly pace: Pace;
  /** Lines that went into commits since the last count. */
  private taken = 0;

  constructor(clock: Clock) {
    this.pace = new Pace(clock);
  }

  /** To be called after each commit: once for all of its lines, because each look at the clock costs. */
  countTaken(): void {
    this.pace.add(this.taken);
    this.taken = 0;
  }

  /** When the lines of a request that came now would be written, as fast as the queue moves, in milliseconds. */
  readonly retryAfterMs = (): number => this.pace.retryAfterMs(this.lines);

  get lines(): number {
    return this.turns.weight;
  }

  /** @param scope the operation's: one for each principal. */
  linesOf(scope: string): number {
    return this.turns.weightOf(scope);
  }

  get isEmpty(): boolean {
    return this.turns.isEmpty;
  }

  /** Of the entry whose turn it is; empty where there is none. */
  get scope(): string {
    return this.turns.head?.item.entry.write.operation.scope ?? '';
  }

  /** Of the entry whose turn it is; any where the queue has emptied meanwhile. */
  get operation(): OperationName {
    return this.turns.head?.item.entry.write.operation.name ?? 'deductStock';
  }

  push(entry: LaneEntry): Arrival {
    const arrival = new Arrival(entry, this.turns);
    this.arrivals.append(arrival);
    return arrival;
  }

  /** Puts entries in front of all others, in their order. */
  putBack(entries: readonly LaneEntry[]): readonly Arrival[] {
    return entries.toReversed().map((entry) => {
      const arrival = new Arrival(entry, this.turns, true);
      this.arrivals.prepend(arrival);
      return arrival;
    });
  }

  /** Gives the entries of other processes back to them. */
  giveBackForeign(): void {
    for (let arrival = this.arrivals.first; arrival;) {
      const { next, entry } = arrival;
      if (entry.origin) {
        this.remove(arrival);
        entry.refuse(UNAVAILABLE);
      }
      arrival = next;
    }
  }

  /** Removes an entry that may no longer be written, wherever it stands. It is answered. */
  expire(arrival: Arrival, nowMs: number): void {
    if (arrival.isWaiting && !arrival.entry.isWanted(nowMs, this.retryAfterMs))
      this.remove(arrival);
  }

  /**
   * The entry whose turn it is; undefined where no entry is left, or only those of principals that were passed over.
   * Expired and abandoned entries before it are answered and removed.
   */
  head(nowMs: number): LaneEntry | undefined {
    for (;;) {
      const arrival = this.turns.head?.item;
      if (!arrival || arrival.entry.isWanted(nowMs, this.retryAfterMs)) return arrival?.entry;
      this.remove(arrival);
    }
  }

  /** The entry that has waited longest. Expired and abandoned entries before it are answered and removed. */
  oldest(nowMs: number): LaneEntry | undefined {
    for (;;) {
      const { first } = this.arrivals;
      if (!first || first.entry.isWanted(nowMs, this.retryAfterMs)) return first?.entry;
      this.remove(first);
    }
  }

  /** Takes out the entry whose turn it is. */
  shift(): void {
    const arrival = this.turns.shift();
    if (!arrival) return;
    arrival.isWaiting = false;
    this.taken += arrival.entry.write.lines.length;
    this.arrivals.remove(arrival);
  }

  /** The principal whose turn it is gets no other one until `resume`, where it is first. */
  passOver(): void {
    this.turns.passOver();
  }

  resume(): void {
    this.turns.resume();
  }

  /** Answers all entries and empties the queue. */
  dismiss(answer: (entry: LaneEntry) => void): void {
    for (let { first } = this.arrivals; first; { first } = this.arrivals) {
      this.remove(first);
      if (!first.entry.settled) answer(first.entry);
    }
  }

  private remove(arrival: Arrival): void {
    arrival.isWaiting = false;
    this.turns.remove(arrival.place);
    this.arrivals.remove(arrival);
  }
}
