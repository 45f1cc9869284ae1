/** Redis' own counters: every command, those inside scripts included, connected clients, and CPU time. */
import type { Redis } from 'ioredis';

export interface RedisReading {
  readonly commands: number;
  readonly connectionsReceived: number;
  /** User and system time of all threads. */
  readonly cpuMs: number;
}

export class RedisServer {
  constructor(private readonly redis: Redis) {}

  async version(): Promise<string> {
    return /^redis_version:(\S+)/m.exec(await this.redis.info('server'))?.[1] ?? 'unknown';
  }

  async read(): Promise<RedisReading> {
    const info = await this.redis.info('commandstats');
    const stats = await this.redis.info('stats');
    const cpu = await this.redis.info('cpu');
    let commands = 0;
    for (const [, command = '', calls] of info.matchAll(/^cmdstat_([^:]+):calls=(\d+)/gm)) {
      // The command of this reading.
      if (command !== 'info') commands += Number(calls);
    }
    const received = /^total_connections_received:(\d+)/m.exec(stats)?.[1];
    const [user, system] = ['user', 'sys'].map((kind) =>
      Number(new RegExp(`^used_cpu_${kind}:([\\d.]+)`, 'm').exec(cpu)?.[1]),
    );
    const cpuMs = ((user ?? NaN) + (system ?? NaN)) * 1_000;
    return { commands, connectionsReceived: Number(received), cpuMs };
  }

  async forgetEverything(): Promise<void> {
    await this.redis.flushdb();
  }
}
