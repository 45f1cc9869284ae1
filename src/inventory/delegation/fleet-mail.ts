/**
 * Texts that the processes of one fleet send each other through a Redis at which others may publish, too. A text is
 * bound by an HMAC to its sender, its receiver and its number; the key is in MySQL, which only the servers can read.
 *
 *   <version> <sender> <receiver> <number> <HMAC-SHA256 of all else, base64url> <body>
 *
 * A text that is sent again by anyone who has seen it is dropped: its number has been seen. Numbers need not arrive in
 * order, because a process may be reached through several servers. It is the anti-replay window of IPsec (RFC 4303,
 * section 3.4.3).
 */
import { createHmac, timingSafeEqual } from 'node:crypto';

/** Of the form of the text and of what is in it. Processes of different versions decline each other's texts. */
const VERSION = '1';
/** How far numbers may be out of order. */
const WINDOW = 512;
/** Senders that are remembered. A process id is never used again, so more than these have lived meanwhile. */
const SENDERS_MAX = 2_000;

export interface Letter {
  readonly from: string;
  readonly body: string;
}

export type Drop = 'malformed' | 'version' | 'forged' | 'repeated';

export class FleetMail {
  private sent = 0;
  private readonly seen = new Map<string, SeenNumbers>();

  constructor(
    private readonly processId: string,
    private readonly secret: Buffer,
  ) {}

  seal(to: string, body: string): string {
    this.sent += 1;
    const head = `${VERSION} ${this.processId} ${to} ${this.sent}`;
    return `${head} ${this.macOf(head, body)} ${body}`;
  }

  /** @returns why it is dropped, where it is. */
  open(text: string): Letter | Drop {
    const match = /^(\S+) (\S+) (\S+) (\d{1,15}) (\S{43}) /.exec(text);
    if (!match) return 'malformed';
    const [all, version = '', from = '', to = '', number = '', mac = ''] = match;
    if (version !== VERSION) return 'version';
    const body = text.slice(all.length);
    const expected = this.macOf(`${version} ${from} ${to} ${number}`, body);
    const isGenuine = timingSafeEqual(Buffer.from(mac, 'latin1'), Buffer.from(expected, 'latin1'));
    if (!isGenuine || to !== this.processId) return 'forged';
    return this.isNew(from, Number(number)) ? { from, body } : 'repeated';
  }

  private macOf(head: string, body: string): string {
    // The head contains no line feed, so head and body cannot be mistaken for each other.
    return createHmac('sha256', this.secret).update(`${head}\n${body}`).digest('base64url');
  }

  private isNew(from: string, number: number): boolean {
    let seen = this.seen.get(from);
    if (!seen) {
      const [oldest = ''] = this.seen.keys();
      if (this.seen.size >= SENDERS_MAX) this.seen.delete(oldest);
      seen = new SeenNumbers();
      this.seen.set(from, seen);
    }
    return seen.note(number);
  }
}

class SeenNumbers {
  private highest = 0;
  private readonly last = new Float64Array(WINDOW);

  /** @returns whether it has certainly not been seen. */
  note(number: number): boolean {
    const at = number % WINDOW;
    if (number <= this.highest - WINDOW || this.last[at] === number) return false;
    this.last[at] = number;
    this.highest = Math.max(this.highest, number);
    return true;
  }
}
