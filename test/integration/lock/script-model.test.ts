/**
 * The simulation's model of the lock's scripts against the scripts themselves, on a real Redis: sequences of calls are
 * drawn, and after each call the reply, the messages and the data must be the same.
 *
 * Tokens and the server's clock come from two clocks that are read one after the other, so numbers of that size may
 * differ by the time between; the counter is then brought into line, so that differences do not add up. Processes may
 * stand still for seconds between the two, so no lock expires within a test, and times to live differ by more from each
 * other than the clocks may.
 */
import fc from 'fast-check';
import type { Redis } from 'ioredis';
import {
  LockScripts,
  acquireStep,
  releaseStep,
  tellStep,
  type Step,
} from '../../../src/lock/scripts.js';
import { readSettings } from '../../../src/lock/settings.js';
import {
  LockScriptModel,
  ModelData,
  readScriptSettings,
} from '../../../src/simulation/lock-script-model.js';
import { LockServices, LONG, uniqueKey } from '../../support/lock-services.js';

const PROCESSES = ['a', 'b', 'c'] as const;
const TICKETS = PROCESSES.flatMap((process) => [`${process}:1`, `${process}:2`, `${process}:o3`]);
const LOCKS = [0, 1];
const SETTINGS = readSettings(LONG);
/** What may be between the readings of the two clocks: less than the largest block of tokens has microseconds. */
const TOLERANCE_MS = 30_000;

type DrawnStep =
  | {
      readonly do: 'queue' | 'try' | 'own';
      readonly lock: number;
      readonly ticket: string;
      readonly tokens: number;
    }
  | { readonly do: 'tell'; readonly lock: number; readonly ticket: string; readonly text: string }
  | { readonly do: 'release'; readonly lock: number; readonly ticket: string }
  | {
      readonly do: 'requeue';
      readonly lock: number;
      readonly ticket: string;
      readonly again: string;
      readonly tokens: number;
    };

type Command =
  | { readonly do: 'steps'; readonly steps: readonly DrawnStep[] }
  | { readonly do: 'renew'; readonly locks: readonly { lock: number; ticket: string }[] }
  | { readonly do: 'expire'; readonly lock: number; readonly suffix: '' | ':queue' | ':fence' }
  | { readonly do: 'subscribe' | 'unsubscribe'; readonly process: string };

const lock = fc.constantFrom(...LOCKS);
const ticket = fc.constantFrom(...TICKETS);
const tokens = fc.constantFrom(1, 2, 65, 600_000_000);
const step: fc.Arbitrary<DrawnStep> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ do: fc.constant('queue' as const), lock, ticket, tokens }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('try' as const), lock, ticket, tokens }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('own' as const), lock, ticket, tokens }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('tell' as const),
      lock,
      ticket,
      text: fc.constantFrom('text', 'two words'),
    }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('release' as const), lock, ticket }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('requeue' as const),
      lock,
      ticket,
      again: ticket,
      tokens,
    }),
  },
);
const command: fc.Arbitrary<Command> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant('steps' as const),
      steps: fc.array(step, { minLength: 1, maxLength: 4 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('renew' as const),
      locks: fc.array(fc.record({ lock, ticket }), { minLength: 1, maxLength: 3 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('expire' as const),
      lock,
      suffix: fc.constantFrom('' as const, ':queue' as const, ':fence' as const),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constantFrom('subscribe' as const, 'unsubscribe' as const),
      process: fc.constantFrom(...PROCESSES),
    }),
  },
);

const clients = new LockServices();
let redis: Redis;
const listeners = new Map<string, Redis>();
/** What was published, in its order for each channel. */
const published: { real: string[]; model: string[] } = { real: [], model: [] };
const prefix = uniqueKey();

beforeAll(async () => {
  redis = clients.redis();
  for (const process of PROCESSES) {
    const listener = clients.redis();
    listener.on('message', (channel: string, message: string) =>
      published.real.push(`${channel} ${message}`),
    );
    listeners.set(process, listener);
    await listener.ping();
  }
});
afterAll(() => clients.stopAll());

/** Tickets carry a run's own prefix, so that no channel is another test's. */
const own = (name: string) => `${prefix}.${name}`;

class Pair {
  readonly keys = LOCKS.map(() => uniqueKey());
  readonly scripts = new LockScripts(SETTINGS);
  private readonly subscribed = new Set<string>();
  private nowUs = 0;
  private readonly server = {
    nowUs: () => this.nowUs,
    publish: (channel: string, message: string) => {
      if (!this.subscribed.has(channel)) return 0;
      published.model.push(`${channel} ${message}`);
      return 1;
    },
  };
  readonly data = new ModelData(this.server);
  readonly model: LockScriptModel;

  constructor() {
    const { script } = this.scripts.carryOut([]);
    this.model = new LockScriptModel(this.data, this.server, readScriptSettings(script.source));
  }

  async carryOut(drawn: Command): Promise<void> {
    const [seconds, micros] = await redis.time();
    this.nowUs = Number(seconds) * 1_000_000 + Number(micros);
    switch (drawn.do) {
      case 'steps':
        return this.steps(drawn.steps);
      case 'renew':
        return this.renew(drawn.locks);
      case 'expire': {
        const key = `${this.keys[drawn.lock]}${drawn.suffix}`;
        await redis.del(key);
        this.data.delete(key);
        return;
      }
      case 'subscribe':
        await listeners.get(drawn.process)?.subscribe(`lock:inbox:${own(drawn.process)}`);
        this.subscribed.add(`lock:inbox:${own(drawn.process)}`);
        return;
      case 'unsubscribe':
        await listeners.get(drawn.process)?.unsubscribe();
        this.subscribed.delete(`lock:inbox:${own(drawn.process)}`);
    }
  }

  async end(): Promise<void> {
    for (const listener of listeners.values()) await listener.unsubscribe();
    await redis.del(this.keys.flatMap((key) => [key, `${key}:queue`, `${key}:fence`]));
  }

  private async steps(drawn: readonly DrawnStep[]): Promise<void> {
    const call = this.scripts.carryOut(drawn.map((one) => this.toStep(one)));
    const replies = this.model.steps(call.keys, call.args);
    const real = await redis.eval(call.script.source, call.keys.length, ...call.keys, ...call.args);
    expectAlike(real, replies, JSON.stringify(drawn));
  }

  private async renew(locks: readonly { lock: number; ticket: string }[]): Promise<void> {
    const call = this.scripts.renew(
      locks.map(({ lock: at, ticket: name }) => ({ key: this.keys[at] ?? '', ticket: own(name) })),
    );
    const replies = this.model.renew(call.keys, call.args);
    const real = await redis.eval(call.script.source, call.keys.length, ...call.keys, ...call.args);
    expect(real).toEqual(replies);
  }

  private toStep(drawn: DrawnStep): Step<unknown> {
    const key = this.keys[drawn.lock] ?? '';
    const name = own(drawn.ticket);
    switch (drawn.do) {
      case 'queue':
      case 'try':
      case 'own':
        return acquireStep(key, { ticket: name, tokens: drawn.tokens, kind: drawn.do });
      case 'tell':
        return tellStep(key, name, drawn.text);
      case 'release':
        return releaseStep(key, name);
      case 'requeue':
        return releaseStep(key, name, { ticket: own(drawn.again), tokens: drawn.tokens });
    }
  }

  /** Compares all that is stored, and brings counter and expiry of the model into line. */
  async compareData(): Promise<void> {
    for (const key of this.keys) {
      const suffixes = ['', ':queue', ':fence'];
      const pipeline = redis.pipeline().get(key).lrange(`${key}:queue`, 0, -1).get(`${key}:fence`);
      for (const suffix of suffixes) pipeline.pttl(`${key}${suffix}`);
      const [holder, queue, fence, ...remaining] = ((await pipeline.exec()) ?? []).map(
        ([error, reply]) => error ?? reply,
      );
      expect(this.data.get(key)).toBe(holder);
      expect(this.data.list(`${key}:queue`)).toEqual(queue);
      expectAlike(fence, this.data.get(`${key}:fence`), 'the counter');
      suffixes.forEach((suffix, i) => {
        const difference = Number(remaining[i]) - this.data.remainingMs(`${key}${suffix}`);
        expect(Math.abs(difference)).toBeLessThan(TOLERANCE_MS);
      });
      if (typeof fence === 'string') this.data.set(`${key}:fence`, fence, 86_400_000);
    }
  }
}

/** The same but for numbers that a clock has made: more than ten digits; or waits. */
function expectAlike(real: unknown, model: unknown, context: string): void {
  if (Array.isArray(real) && Array.isArray(model)) {
    expect(`${context}: ${real.length}`).toBe(`${context}: ${model.length}`);
    real.forEach((part, i) => {
      expectAlike(part, model[i], context);
    });
    return;
  }
  const isClock = typeof real === 'string' && /^\d{11,}$/.test(real);
  const isWait = typeof real === 'number' && real > 100;
  if (!isClock && !isWait) {
    expect({ context, reply: real }).toEqual({ context, reply: model });
    return;
  }
  expect({ context, type: typeof model }).toEqual({ context, type: typeof real });
  const tolerance = isClock ? TOLERANCE_MS * 1_000 : TOLERANCE_MS;
  expect(Math.abs(Number(real) - Number(model))).toBeLessThan(tolerance);
}

/** Messages without the numbers that a clock has made. */
function heard(messages: readonly string[]): readonly string[] {
  return messages.map((message) => message.replaceAll(/ \d{11,}/g, ' #')).sort();
}

test('the model of the scripts replies, publishes and stores as the scripts do', async () => {
  const property = fc.asyncProperty(fc.array(command, { maxLength: 30 }), async (commands) => {
    const pair = new Pair();
    published.real = [];
    published.model = [];
    for (const drawn of commands) {
      await pair.carryOut(drawn);
      await pair.compareData();
    }
    // A listener's answer comes behind the messages that were sent to it before.
    for (const listener of listeners.values()) await listener.ping();
    expect(heard(published.real)).toEqual(heard(published.model));
    await pair.end();
  });
  await fc.assert(property, { numRuns: 300 });
});
