/**
 * Each second a connection greets its server: HELLO without arguments, which every user may send, also while it
 * subscribes. The answer says that the connection lives, keeps it from being closed as idle, and names the server's
 * role. After a failover the present connections may stay open and lead to a replica; commands and subscriptions leave
 * it by themselves then, because only new connections lead to the current primary.
 */
import type { Clock, Timer } from '../time/clock.js';
import type { RedisServerAddress } from './address.js';
import { REPLICA, refused, type RedisFailure } from './failure.js';

/** The pause between two greetings. */
export const SIGN_OF_LIFE_MS = 1_000;

export const GREETING = 'hello';

/** Why a connection must leave the server that answered so, or null. A server that says nothing of itself is kept. */
export function objectionTo(
  answer: unknown,
  { shard }: Pick<RedisServerAddress, 'shard'>,
): RedisFailure | null {
  const { mode, role } = fieldsOf(answer);
  if (mode === 'sentinel')
    return refused('it is a Sentinel; REDIS_URL must be redis+sentinel://host:26379/name');
  if (mode === 'cluster' && !shard)
    return refused('it is a node of a Redis Cluster; REDIS_URL must be redis+cluster://host:6379');
  return role === 'replica' ? REPLICA : null;
}

export class SignsOfLife {
  private timer: Timer | null = null;

  constructor(
    private readonly parts: {
      readonly clock: Clock;
      readonly server: Pick<RedisServerAddress, 'shard'>;
      readonly greet: () => Promise<unknown>;
      readonly onSign: () => void;
      readonly onObjection: (failure: RedisFailure) => void;
    },
  ) {}

  /** From when the connection is ready. */
  begin(): void {
    this.timer?.cancel();
    const timer = this.parts.clock.after(SIGN_OF_LIFE_MS, () => {
      this.parts.greet().then(
        (answer) => {
          if (this.timer === timer) this.onAnswer(answer);
        },
        () => {
          // A lost connection has ended the signs. Any other error is an answer.
          if (this.timer === timer) this.onAnswer(null);
        },
      );
    });
    this.timer = timer;
  }

  /** When the connection is lost. */
  end(): void {
    this.timer?.cancel();
    this.timer = null;
  }

  private onAnswer(answer: unknown): void {
    const objection = objectionTo(answer, this.parts.server);
    if (objection) {
      this.end();
      this.parts.onObjection(objection);
      return;
    }
    this.begin();
    this.parts.onSign();
  }
}

/** The answer is a list of names, each followed by its value. */
function fieldsOf(answer: unknown): Readonly<Record<string, unknown>> {
  if (!Array.isArray(answer)) return {};
  const fields: Record<string, unknown> = {};
  for (let at = 0; at + 1 < answer.length; at += 2) fields[String(answer[at])] = answer[at + 1];
  return fields;
}
