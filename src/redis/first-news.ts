/** What first became of a connection, which is what a start waits for: null for success. Later news change nothing. */
import type { RedisFailure } from './failure.js';

export class FirstNews {
  tell!: (failure: RedisFailure | null) => void;
  readonly told = new Promise<RedisFailure | null>((resolve) => {
    this.tell = resolve;
  });
}
