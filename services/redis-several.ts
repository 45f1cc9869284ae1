/** Several Redis servers that know nothing of each other: the keys are divided among them by their clients. */
import type { PrivateServer } from './private-server.js';
import { startRedisServer, withRedisProgram, type RedisOptions } from './private-redis.js';
import { startTogether, stopAll } from './redis-clients.js';

export interface SeveralRedis {
  /** The servers' addresses, separated by commas. */
  readonly url: string;
  readonly servers: readonly PrivateServer[];
  stop(): Promise<void>;
}

/** @throws ServiceError, or the signal's reason; nothing is left behind then. */
export function startSeveralRedis(
  count: number,
  options: RedisOptions = {},
): Promise<SeveralRedis> {
  return withRedisProgram(options, async (program) => {
    const start = () => startRedisServer(program, options);
    const servers = await startTogether(Array.from({ length: count }, () => start));
    return {
      url: servers.map(({ url }) => url).join(','),
      servers,
      stop: () => stopAll(servers),
    };
  });
}
