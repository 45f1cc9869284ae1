/**
 * Server processes on one shop under `STOCK_LOCK=redis`, of which one owns each product and decides the lines of all.
 * Each has a way of its own to MySQL and to Redis, so that a test can break the owner's.
 */
import { Redis } from 'ioredis';
import { stockLockKey } from '../../src/inventory/lanes/turns.js';
import { SeededRandom } from '../../src/simulation/seeded-random.js';
import { givenUrl } from './fresh-database.js';
import { MysqlProxy } from './mysql-proxy.js';
import type { ServerProcess } from './server-process.js';
import { Shop } from './shop.js';
import { brief, callStock, increase, isFinal } from './stock-calls.js';
import { referenceOf, type Storm, type StormOperation, type StormTry } from './storm.js';
import { startTcpProxy, type TcpProxy } from './tcp-proxy.js';
import { until, within } from './until.js';
import { metric } from './watcher.js';

/** Short, so that the lock of an owner that is dead or stopped is free soon. */
const LOCK_TTL_MS = '2000';

export interface Member {
  readonly server: ServerProcess;
  readonly mysql: MysqlProxy;
  readonly redis: TcpProxy;
}

export class Fleet {
  private constructor(
    readonly shop: Shop,
    readonly redis: Redis,
    readonly members: readonly Member[],
  ) {}

  static async start(count: number, env: Record<string, string> = {}): Promise<Fleet> {
    const shop = await Shop.open();
    const members = await Promise.all(
      Array.from({ length: count }, async (): Promise<Member> => {
        const mysql = await MysqlProxy.start(shop.database.url);
        const redis = await startTcpProxy(givenUrl('REDIS_URL'));
        const ways = { MYSQL_URL: mysql.url, REDIS_URL: redis.via(givenUrl('REDIS_URL')) };
        const server = await shop.startServer('redis', { LOCK_TTL_MS, ...ways, ...env });
        return { server, mysql, redis };
      }),
    );
    return new Fleet(shop, new Redis(givenUrl('REDIS_URL')), members);
  }

  readonly addresses = (): readonly string[] => this.members.map(({ server }) => server.graphqlUrl);

  /** The member that has the product's lock as its owner; null where none has. */
  async ownerOf(productId: string): Promise<Member | null> {
    const ticket = (await this.redis.get(stockLockKey(productId))) ?? '';
    const [, pid] = /\.(\d+)\.[0-9a-f]+\.[0-9a-f]+:o\d+$/.exec(ticket) ?? [];
    return this.members.find(({ server }) => server.pid === Number(pid)) ?? null;
  }

  /** Waits until a member owns the product, another one than `not`. */
  async untilOwned(productId: string, not: Member | null = null): Promise<Member> {
    const owners: Member[] = [];
    await until(`${productId} has ${not ? 'another' : 'an'} owner`, async () => {
      const owner = await this.ownerOf(productId);
      if (owner && owner !== not) owners.push(owner);
      return owners.length > 0;
    });
    const [owner = this.member(0)] = owners;
    return owner;
  }

  /** Holds back the first statement of any member that matches. Resolves with that member. */
  async holdFirst(pattern: RegExp): Promise<Member> {
    const comes = this.members.map(async (member) => {
      await member.mysql.holdAt(pattern);
      return member;
    });
    const first = await within(10_000, `a statement like ${pattern.source}`, Promise.race(comes));
    for (const { mysql } of this.members) mysql.holdNothing();
    return first;
  }

  /** The product's first caller makes its process the owner. */
  async giveTo(member: Member, productId: string): Promise<void> {
    const answer = await callStock(member.server.graphqlUrl, increase({ [productId]: 1 }));
    if (typeof brief(answer)[0] !== 'number' || (await this.ownerOf(productId)) !== member) {
      throw new Error(`It does not own ${productId}: ${JSON.stringify(answer)}`);
    }
  }

  member(index: number): Member {
    const member = this.members[index];
    if (!member) throw new Error(`The fleet has no member ${index}.`);
    return member;
  }

  others(than: Member): readonly Member[] {
    return this.members.filter((member) => member !== than);
  }

  /** Fails where a process does not stop by itself. */
  async stop(): Promise<void> {
    await Promise.all(this.members.map(({ server }) => server.stop()));
  }

  async close(): Promise<void> {
    await this.stop();
    await Promise.all(this.members.map(({ mysql }) => mysql.stop()));
    await Promise.all(this.members.map(({ redis }) => redis.stop()));
    this.redis.disconnect();
    await this.shop.close();
  }
}

/** The lines that these have handed to owners, by what became of them. */
export async function handedOver(
  members: readonly Member[],
  outcome: 'answered' | 'not_taken' | 'unknown',
): Promise<number> {
  const name = `stockade_delegated_writes_total{outcome="${outcome}"}`;
  const counts = await Promise.all(members.map(({ server }) => metric(server.origin, name)));
  return counts.reduce((sum, count) => sum + count, 0);
}

/** Lines of one hot product, sent to all processes alike; under a key, more than half of them. */
export function planLines(seed: number, productId: string, lines: number): StormOperation[] {
  const random = new SeededRandom(seed);
  return Array.from({ length: lines }, (_, number): StormOperation => {
    const keyed = random.chance(0.6);
    return {
      number,
      call: {
        name: random.chance(0.8) ? 'deductStock' : 'increaseStock',
        input: {
          items: [{ productId, quantity: random.integer(1, 3), locationId: 'default' }],
          reference: referenceOf(number),
          ...(keyed && { idempotencyKey: `key-${seed}-${number}` }),
        },
      },
      server: random.integer(0, 11),
      copies: 1,
      hangsUpAfterMs: null,
      asksAgain: keyed && random.chance(0.3),
    };
  });
}

/** What a storm's clients were told by other processes than these without its being final. */
export function notFinal(storm: Storm, except: readonly Member[] = []): readonly StormTry[] {
  const addresses = except.map(({ server }) => server.graphqlUrl);
  return storm.records
    .flatMap(({ tries }) => tries)
    .filter(({ address, answer }) => !addresses.includes(address) && !isFinal(answer));
}
