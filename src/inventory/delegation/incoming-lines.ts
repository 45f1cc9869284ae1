/**
 * The lines that other processes have handed to this one, until they are answered or given back. A line that is sent
 * again while it waits here is known by its call, and its answer goes to the last attempt.
 */
import type { Clock } from '../../time/clock.js';
import { Deadline } from '../../time/deadline.js';
import { WITHDRAWN } from '../delegated-write.js';
import { BegunAttempt } from '../lanes/lane-entry.js';
import type { Lane } from '../lanes/lane.js';
import type { StockWrite } from '../stock.js';
import type { Answer, Offer, Reply } from './line-codec.js';
import { Outbox } from './outbox.js';
import type { Post } from './post.js';

/** The lanes of this process. */
export interface OwnedLanes {
  /** The lane of a product that this process owns, or asks for; null where it takes no lines of others. */
  takingForeign(productId: string): Pick<Lane, 'enqueue'> | null;
}

interface TakenLine {
  readonly call: string;
  attempt: number;
  readonly deadline: RemoteDeadline;
  /** Answers it, where it has no answer yet. */
  readonly end: (reply: Reply) => void;
}

export interface IncomingCounts {
  answered: number;
  givenBack: number;
  knownAlready: number;
}

export class IncomingLines {
  readonly counts: IncomingCounts = { answered: 0, givenBack: 0, knownAlready: 0 };
  private readonly taken = new Map<string, TakenLine>();
  private readonly replies: RecentReplies;
  private readonly outbox: Outbox<Answer>;

  constructor(
    private readonly lanes: OwnedLanes,
    post: Pick<Post, 'send' | 'routeOf'>,
    private readonly clock: Clock,
  ) {
    this.replies = new RecentReplies(clock);
    this.outbox = new Outbox(clock, post.routeOf, (to, productId, answers) => {
      void post.send(to, productId, { kind: 'ANSWERS', answers });
    });
  }

  receive(from: string, offers: readonly Offer[]): void {
    for (const offer of offers) {
      const { productId } = offer;
      const lane = this.lanes.takingForeign(productId);
      const key = keyOf(from, offer.call);
      const known = this.taken.get(key);
      const reply = offer.alone ? this.replies.get(key) : undefined;
      if (known) {
        this.counts.knownAlready += 1;
        if (offer.attempt < known.attempt) continue;
        known.attempt = offer.attempt;
        // This process has lost the product while it decides the line: its transaction has no outcome.
        if (!lane) known.end(WITHDRAWN);
        else this.outbox.add(from, productId, { ...nameOf(known), reply: 'WAITING' });
      } else if (reply) {
        this.outbox.add(from, productId, { ...nameOf(offer), reply });
      } else if (lane) this.take(lane, from, offer);
      else this.giveBack(from, offer);
    }
  }

  /** The callers of these lines have hung up: they are not decided, where that has not begun. */
  cancel(from: string, calls: readonly string[]): void {
    for (const call of calls) {
      const line = this.taken.get(keyOf(from, call));
      if (line) line.deadline.hasGone = true;
    }
  }

  private take(lane: Pick<Lane, 'enqueue'>, from: string, offer: Offer): void {
    const key = keyOf(from, offer.call);
    const { call, attempt, productId, deadlineMs, waitMs } = offer;
    const nowMs = this.clock.nowMs();
    const deadline = new RemoteDeadline(this.clock, nowMs + deadlineMs, nowMs + waitMs);
    const line: TakenLine = {
      ...{ call, attempt, deadline },
      end: (reply) => {
        if (this.taken.get(key) !== line) return;
        this.taken.delete(key);
        if (offer.alone && reply !== 'NOT_TAKEN') this.replies.add(key, reply);
        this.outbox.add(from, productId, { ...nameOf(line), reply });
      },
    };
    this.taken.set(key, line);
    const giveBack = () => {
      this.counts.givenBack += 1;
      line.end('NOT_TAKEN');
    };
    lane.enqueue(this.asDelegated(offer), deadline, { process: from, giveBack }).then(
      (result) => {
        if (this.taken.get(key) === line) this.counts.answered += 1;
        line.end(result);
      },
      // A defect of this program. The sender decides the line itself, and meets it, too.
      () => {
        line.end(WITHDRAWN);
      },
    );
  }

  private asDelegated({ write, call, attempt, ageMs }: Offer): StockWrite {
    const arrivedMs = this.clock.nowMs() - ageMs;
    return { ...write, delegated: new BegunAttempt(call, attempt, this.clock, arrivedMs) };
  }

  private giveBack(from: string, { call, attempt, productId }: Offer): void {
    this.counts.givenBack += 1;
    this.outbox.add(from, productId, { call, attempt, reply: 'NOT_TAKEN' });
  }
}

const REMEMBERED_MS = 3_000;
const REMEMBERED_MAX = 10_000;

/**
 * The last answers. One may cross the next attempt, which would wait once more, or have to look for the traces of the
 * first. They hold only for lines of which all attempts came here.
 */
class RecentReplies {
  private readonly replies = new Map<string, { readonly reply: Reply; readonly untilMs: number }>();

  constructor(private readonly clock: Clock) {}

  add(key: string, reply: Reply): void {
    const nowMs = this.clock.nowMs();
    for (const [oldest, { untilMs }] of this.replies) {
      if (untilMs > nowMs && this.replies.size < REMEMBERED_MAX) break;
      this.replies.delete(oldest);
    }
    this.replies.set(key, { reply, untilMs: nowMs + REMEMBERED_MS });
  }

  get(key: string): Reply | undefined {
    return this.replies.get(key)?.reply;
  }
}

/** Of a caller at another process. */
class RemoteDeadline extends Deadline {
  hasGone = false;

  constructor(clock: Clock, endMs: number, waitEndMs: number) {
    super(clock, endMs, undefined, waitEndMs);
  }

  override get callerHasGone(): boolean {
    return this.hasGone;
  }
}

function nameOf({ call, attempt }: TakenLine | Offer): Pick<Answer, 'call' | 'attempt'> {
  return { call, attempt };
}

function keyOf(from: string, call: string): string {
  return `${from} ${call}`;
}
