/**
 * Names that this process and the scripts at Redis share. A process is one lock service. A ticket,
 * `<process>:<number>`, is one attempt to hold a lock, from the first command to the end of the hold, and the key's
 * value while it holds. One by which the process may own the lock is `<process>:o<number>`.
 */
import { hostname } from 'node:os';
import type { RandomBytes } from '../time/clock.js';

/** Other clients may write any value into a lock's key; error messages show no more of it than this. */
const HOLDER_LENGTH_MAX = 100;

export class Tickets {
  /** Unique. Names the host and the operating system's process for operators. */
  readonly processId: string;
  private last = 0;

  private readonly fleetSuffix: string;

  /** @param fleet names the processes that may tell each other something; empty: all of them. */
  constructor(randomBytes: RandomBytes, fleet = '') {
    this.fleetSuffix = fleet === '' ? '' : `.${fleet}`;
    const random = randomBytes(6).toString('hex');
    this.processId = `${hostname()}.${process.pid}.${random}${this.fleetSuffix}`;
  }

  /** @param owns whether the process may keep the lock while it has no use for it. */
  next(owns = false): string {
    this.last += 1;
    return `${this.processId}:${owns ? 'o' : ''}${this.last}`;
  }

  /** Whether the ticket's process is one of our fleet. */
  isOfFleet(ticket: string): boolean {
    return processOf(ticket).endsWith(this.fleetSuffix);
  }

  isOurs(ticket: string): boolean {
    return processOf(ticket) === this.processId;
  }
}

/** The channel on which hand-over.lua publishes the grants of a process; `hashTag` puts it into a shard's slot. */
export function inboxOf(processId: string, hashTag = ''): string {
  return `lock:inbox:${hashTag}${processId}`;
}

/** As `is_owner` of hand-over.lua. */
export function isOwnersTicket(ticket: string): boolean {
  return /:o\d+$/.test(ticket);
}

export function processOf(ticket: string): string {
  const end = ticket.lastIndexOf(':');
  return (end < 0 ? ticket : ticket.slice(0, end)).slice(0, HOLDER_LENGTH_MAX);
}
