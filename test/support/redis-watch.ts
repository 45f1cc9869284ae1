/** Every command that reaches Redis, as MONITOR tells it: for tests that say that something never got there. */
import { Redis } from 'ioredis';

export class RedisWatch {
  readonly commands: string[] = [];

  private constructor(
    private readonly monitor: Redis,
    private readonly asker: Redis,
  ) {}

  static async open(url: string): Promise<RedisWatch> {
    const asker = new Redis(url);
    const monitor = await asker.monitor();
    const watch = new RedisWatch(monitor, asker);
    monitor.on('monitor', (_time: string, args: readonly string[]) => {
      watch.commands.push(args.join(' '));
    });
    return watch;
  }

  /** What came up to now and has this in it: a mark is sent after it, and waited for. */
  async seen(text: string): Promise<readonly string[]> {
    const mark = `mark:${Math.random()}`;
    await this.asker.exists(mark);
    const giveUpMs = performance.now() + 10_000;
    while (!this.commands.some((command) => command.includes(mark))) {
      if (performance.now() > giveUpMs) throw new Error('MONITOR tells nothing any more.');
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    return this.commands.filter((command) => command.includes(text));
  }

  close(): void {
    this.monitor.disconnect();
    this.asker.disconnect();
  }
}
