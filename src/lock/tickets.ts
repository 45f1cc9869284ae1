/**
 * Names that both sides of Redis agree on. A process is one lock service; a ticket is one attempt of it, from the first
 * question to the end of the hold, and the value of the lock's key while it holds: `<process>:<number>`.
 */
import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';

/** Longer holders are not ours; somebody who wrote a book into a lock's key shall not fill our errors. */
const HOLDER_LENGTH_MAX = 100;

export class Tickets {
  /** Says to a human where to look, and is never used twice. */
  readonly processId = `${hostname()}.${process.pid}.${randomBytes(6).toString('hex')}`;
  private last = 0;

  next(): string {
    this.last += 1;
    return `${this.processId}:${this.last}`;
  }

  isOurs(ticket: string): boolean {
    return processOf(ticket) === this.processId;
  }
}

/** hand-over.lua publishes here. */
export function inboxOf(processId: string): string {
  return `lock:inbox:${processId}`;
}

export function processOf(ticket: string): string {
  const end = ticket.lastIndexOf(':');
  return (end < 0 ? ticket : ticket.slice(0, end)).slice(0, HOLDER_LENGTH_MAX);
}
