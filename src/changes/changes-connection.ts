/** A connection to Redis for news of changes, with the manners of the lock's. */
import {
  IoredisConnection,
  systemClock,
  systemRandom,
  type ConnectionEvents,
} from '../lock/index.js';

const COMMAND_TIMEOUT_MS = 2_000;

/** @param name how Redis lists it among its clients. */
export function changesConnection(
  redisUrl: string,
  name: string,
  events: ConnectionEvents,
): IoredisConnection {
  return new IoredisConnection(
    {
      url: redisUrl,
      name,
      commandTimeoutMs: COMMAND_TIMEOUT_MS,
      clock: systemClock,
      random: systemRandom,
    },
    events,
  );
}
