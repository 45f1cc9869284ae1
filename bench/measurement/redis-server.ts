/** Redis' own counters: every command, those inside scripts included, and the connected clients. */
import type { Redis } from 'ioredis';

export interface RedisReading {
  readonly commands: number;
  readonly connectionsReceived: number;
}

export class RedisServer {
  constructor(private readonly redis: Redis) {}

  async version(): Promise<string> {
    return /^redis_version:(\S+)/m.exec(await this.redis.info('server'))?.[1] ?? 'unknown';
  }

  async read(): Promise<RedisReading> {
    const info = await this.redis.info('commandstats');
    const stats = await this.redis.info('stats');
    let commands = 0;
    for (const [, command = '', calls] of info.matchAll(/^cmdstat_([^:]+):calls=(\d+)/gm)) {
      // The command of this reading.
      if (command !== 'info') commands += Number(calls);
    }
    const received = /^total_connections_received:(\d+)/m.exec(stats)?.[1];
    return { commands, connectionsReceived: Number(received) };
  }

  async forgetEverything(): Promise<void> {
    await this.redis.flushdb();
  }
}
