/**
 * What this process tells others, and what they tell it, in authenticated messages. A message is delivered at most
 * once; the table of README.md says what happens where it is lost.
 */
import type { OwningLockService } from '../../lock/index.js';
import { stockLockKey } from '../lanes/turns.js';
import { FleetMail, type Drop } from './fleet-mail.js';
import { decode, encode, type Message } from './line-codec.js';

export type Delivery = 'DELIVERED' | 'NOT_DELIVERED' | 'UNKNOWN';

export class Post {
  readonly dropped: Record<Drop, number> = { malformed: 0, version: 0, forged: 0, repeated: 0 };
  sent = 0;
  private readonly mail: FleetMail;

  constructor(
    private readonly lock: Pick<OwningLockService, 'processId' | 'routeOf' | 'tell' | 'onMail'>,
    secret: Buffer,
  ) {
    this.mail = new FleetMail(lock.processId, secret);
  }

  get processId(): string {
    return this.lock.processId;
  }

  /** What goes to one process through one server may be one message. */
  readonly routeOf = (productId: string): string => this.lock.routeOf(stockLockKey(productId));

  /** Through the server that keeps the product's lock. Never rejects. */
  async send(to: string, productId: string, message: Message): Promise<Delivery> {
    this.sent += 1;
    const text = this.mail.seal(to, encode(message));
    try {
      const isHeard = await this.lock.tell(stockLockKey(productId), to, text);
      return isHeard ? 'DELIVERED' : 'NOT_DELIVERED';
    } catch {
      return 'UNKNOWN';
    }
  }

  onMessage(receive: (from: string, message: Message) => void): void {
    this.lock.onMail((text) => {
      const letter = this.mail.open(text);
      if (typeof letter === 'string') {
        this.dropped[letter] += 1;
        return;
      }
      const message = decode(letter.body);
      if (message) receive(letter.from, message);
      else this.dropped.malformed += 1;
    });
  }
}
