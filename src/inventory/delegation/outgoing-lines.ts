/**
 * The lines that this process has handed to owners, until they are answered.
 *
 * All that is handed to one owner in a turn of the event loop is one message, for each server that keeps locks. A line
 * without an answer is sent again, as a new attempt, and the owner says where it still waits. An owner that is not
 * heard for too long, or that does not listen, is given up: the line may have been applied, or may be from now on
 * (../delegated-write.ts).
 *
 * | state  | event                                                         | then                      |
 * | ------ | ------------------------------------------------------------- | ------------------------- |
 * | sent   | an answer to the last attempt                                 | ANSWERED or NOT_TAKEN     |
 * | sent   | an answer to an earlier attempt                               | none: it is out of date   |
 * | sent   | the owner does not listen, and this is the first attempt      | NOT_TAKEN                 |
 * | sent   | not heard of for RESEND_MS                                    | sent, as the next attempt |
 * | sent   | not heard of for SILENCE_MAX_MS; the owner does not listen;   | UNKNOWN                   |
 * |        | Redis is away; the deadline has passed; the caller hangs up   |                           |
 */
import type { Clock } from '../../time/clock.js';
import type { Handed, HandOver } from '../lanes/handed-entries.js';
import type { LaneEntry } from '../lanes/lane-entry.js';
import type { Answer, Offer } from './line-codec.js';
import { Outbox } from './outbox.js';
import type { Post } from './post.js';

export const RESEND_MS = 300;
export const SILENCE_MAX_MS = 1_500;
const LOOK_MS = 100;
/** The transaction's own answer says more than that the deadline has passed. */
const LAST_WORD_MS = 100;

interface HandedLine {
  readonly call: string;
  readonly owner: string;
  readonly productId: string;
  readonly entry: LaneEntry;
  readonly end: (handed: Handed) => void;
  /** Whether no attempt was made before it was handed to this owner. */
  readonly alone: boolean;
  attempt: number;
  /** When it was last sent, and when the owner was last heard of it. */
  sentMs: number;
  heardMs: number;
}

export interface OutgoingCounts {
  answered: number;
  notTaken: number;
  unknown: number;
  sentAgain: number;
}

export class OutgoingLines implements HandOver {
  readonly counts: OutgoingCounts = { answered: 0, notTaken: 0, unknown: 0, sentAgain: 0 };
  private readonly lines = new Map<string, HandedLine>();
  private lastCall = 0;
  private isWatched = false;
  private readonly outbox: Outbox<HandedLine>;

  constructor(
    private readonly post: Pick<Post, 'send' | 'routeOf'>,
    private readonly clock: Clock,
    /** Random, so that no other process names its calls so. */
    private readonly callPrefix: string,
  ) {
    this.outbox = new Outbox(clock, post.routeOf, (owner, productId, lines) => {
      void this.offer(owner, productId, lines);
    });
  }

  hand(owner: string, productId: string, entry: LaneEntry, end: (handed: Handed) => void): void {
    const alone = !entry.isInDoubt;
    const { call, attempt } = entry.beginAttempt(this.newCall);
    const nowMs = this.clock.nowMs();
    const times = { sentMs: nowMs, heardMs: nowMs };
    const line: HandedLine = { call, owner, productId, entry, alone, attempt, end, ...times };
    this.lines.set(call, line);
    this.outbox.add(owner, productId, line);
    this.watch();
  }

  receive(from: string, answers: readonly Answer[]): void {
    const nowMs = this.clock.nowMs();
    for (const { call, attempt, reply } of answers) {
      const line = this.lines.get(call);
      if (line?.owner !== from) continue;
      line.heardMs = nowMs;
      if (attempt !== line.attempt || reply === 'WAITING') continue;
      if (reply === 'NOT_TAKEN') {
        this.counts.notTaken += 1;
        this.end(line, { outcome: 'NOT_TAKEN' });
      } else if (isUndecided(reply)) this.giveUp(line);
      else {
        this.counts.answered += 1;
        this.end(line, { outcome: 'ANSWERED', result: reply });
      }
    }
  }

  private readonly newCall = (): string => {
    this.lastCall += 1;
    return `${this.callPrefix}-${this.lastCall.toString(36)}`;
  };

  private async offer(
    owner: string,
    productId: string,
    lines: readonly HandedLine[],
  ): Promise<void> {
    const sent = lines.map((line) => ({ line, attempt: line.attempt }));
    const offers = lines.map(offerOf);
    const delivery = await this.post.send(owner, productId, { kind: 'OFFERS', offers });
    if (delivery === 'DELIVERED') return;
    for (const { line, attempt } of sent) {
      if (line.attempt !== attempt || !this.lines.has(line.call)) continue;
      if (delivery === 'NOT_DELIVERED' && attempt === 1) {
        this.counts.notTaken += 1;
        this.end(line, { outcome: 'NOT_TAKEN' });
      } else this.giveUp(line);
    }
  }

  private giveUp(line: HandedLine): void {
    this.counts.unknown += 1;
    this.end(line, { outcome: 'UNKNOWN' });
  }

  private end(line: HandedLine, handed: Handed): void {
    if (this.lines.delete(line.call)) line.end(handed);
  }

  private watch(): void {
    if (this.isWatched || this.lines.size === 0) return;
    this.isWatched = true;
    this.clock.after(LOOK_MS, () => {
      this.isWatched = false;
      const nowMs = this.clock.nowMs();
      for (const line of this.lines.values()) this.look(line, nowMs);
      this.watch();
    });
  }

  private look(line: HandedLine, nowMs: number): void {
    const { deadline } = line.entry;
    if (deadline.callerHasGone) {
      const { owner, productId, call } = line;
      void this.post.send(owner, productId, { kind: 'CANCELS', calls: [call] });
      this.giveUp(line);
    } else if (nowMs - line.heardMs >= SILENCE_MAX_MS || deadline.endMs + LAST_WORD_MS <= nowMs) {
      this.giveUp(line);
    } else if (nowMs >= resendMs(line)) {
      this.counts.sentAgain += 1;
      line.attempt = line.entry.beginAttempt(this.newCall).attempt;
      line.sentMs = nowMs;
      this.outbox.add(line.owner, line.productId, line);
    }
  }
}

/**
 * At the end of its wait the owner answers the line. That answer must not cross the next attempt, which the owner would
 * take for a new line, with the wait of one in doubt: until its deadline.
 */
function resendMs({ entry, sentMs, heardMs }: HandedLine): number {
  const lastMs = Math.max(sentMs, heardMs);
  const { endMs } = entry.wait;
  const isAtItsEnd = endMs > lastMs && endMs < lastMs + 2 * RESEND_MS;
  return (isAtItsEnd ? endMs : lastMs) + RESEND_MS;
}

function offerOf({ call, attempt, alone, productId, entry }: HandedLine): Offer {
  const { lastMoment, deadline, ageMs, write } = entry;
  const times = { waitMs: lastMoment.leftMs, deadlineMs: deadline.leftMs, ageMs };
  return { call, attempt, alone, ...times, productId, write };
}

/** The owner does not know what became of it, so this process finds out. */
function isUndecided(reply: Exclude<Answer['reply'], string>): boolean {
  if (reply.outcome !== 'REFUSED') return false;
  return reply.failure.code === 'UNAVAILABLE' && reply.failure.mayHaveApplied;
}
