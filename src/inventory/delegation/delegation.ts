/** Hands lines to the processes that own their products, and takes those of others: README.md, put together. */
import { hash } from 'node:crypto';
import type { OwningLockService } from '../../lock/index.js';
import type { Clock, RandomBytes } from '../../time/clock.js';
import type { Drop } from './fleet-mail.js';
import { IncomingLines, type IncomingCounts, type OwnedLanes } from './incoming-lines.js';
import { OutgoingLines, type OutgoingCounts } from './outgoing-lines.js';
import { Post } from './post.js';

const CALL_PREFIX_BYTES = 12;

const FLEET_NAME_CHARACTERS = 8;

/** Servers of one database have one name. It tells them apart from others that use the same Redis. */
export function fleetNameOf(secret: Buffer): string {
  return hash('sha256', secret, 'hex').slice(0, FLEET_NAME_CHARACTERS);
}

export interface DelegationStats {
  readonly outgoing: Readonly<OutgoingCounts>;
  readonly incoming: Readonly<IncomingCounts>;
  readonly messages: number;
  readonly dropped: Readonly<Record<Drop, number>>;
}

export class Delegation {
  /** For the lanes. */
  readonly outgoing: OutgoingLines;
  private readonly post: Post;
  private incoming: IncomingLines | null = null;

  /** @param secret the same in all processes of the fleet. */
  constructor(
    lock: Pick<OwningLockService, 'processId' | 'routeOf' | 'tell' | 'onMail'>,
    secret: Buffer,
    private readonly clock: Clock,
    randomBytes: RandomBytes,
  ) {
    this.post = new Post(lock, secret);
    const callPrefix = randomBytes(CALL_PREFIX_BYTES).toString('hex');
    this.outgoing = new OutgoingLines(this.post, clock, callPrefix);
  }

  /** Takes the lines of other processes from now on. */
  serve(lanes: OwnedLanes): void {
    const incoming = new IncomingLines(lanes, this.post, this.clock);
    this.incoming = incoming;
    this.post.onMessage((from, message) => {
      if (message.kind === 'OFFERS') incoming.receive(from, message.offers);
      else if (message.kind === 'CANCELS') incoming.cancel(from, message.calls);
      else this.outgoing.receive(from, message.answers);
    });
  }

  stats(): DelegationStats {
    const { outgoing, incoming, post } = this;
    const none = { answered: 0, givenBack: 0, knownAlready: 0 };
    return {
      outgoing: outgoing.counts,
      incoming: incoming?.counts ?? none,
      messages: post.sent,
      dropped: post.dropped,
    };
  }
}
