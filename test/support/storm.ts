/**
 * A storm of random baskets, from one seed: what each client asks, when it hangs up, which of the processes it asks
 * again under the same key. The seed repeats the requests; their interleaving is the machine's.
 */
import { randomInt } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { SeededRandom } from '../../src/simulation/seeded-random.js';
import type { HistoryRead, Try } from '../../src/simulation/history.js';
import { ProductDocument } from '../generated/operations.js';
import { send } from './graphql-client.js';
import { callStock, isFinal, type Answer, type StockCall } from './stock-calls.js';

export interface StormOperation {
  readonly number: number;
  readonly call: StockCall;
  /** Which of the processes is asked first. */
  readonly server: number;
  /** How often the same key is sent at the same moment, to one process after another. */
  readonly copies: number;
  /** The first of the copies hangs up after so long; null where it waits for its answer. */
  readonly hangsUpAfterMs: number | null;
  /** The client asks once more when it has its answer. */
  readonly asksAgain: boolean;
}

export type StormTry = Try & {
  readonly answer: Answer;
  /** Of the process that was asked. */
  readonly address: string;
};

export interface StormRecord {
  readonly operation: StormOperation;
  /** Every call, in the order in which they were begun; times are on this process's monotonic clock. */
  readonly tries: readonly StormTry[];
  /** The final answer; null where the client has none and can't ask again, or gave up. */
  readonly settled: Answer | null;
  /** The answer to the same call once more, after it was settled; null where the client did not ask. */
  readonly again: Answer | null;
}

/** What the clients of a storm saw. */
export interface Storm {
  readonly records: readonly StormRecord[];
  readonly reads: readonly HistoryRead[];
}

/** The seed of this run: `SEED=… npm test -- <file>` replays one that was printed. */
export function chooseSeed(title: string): number {
  const seed = Number(process.env.SEED ?? randomInt(2 ** 31));
  process.stderr.write(`${title}: SEED=${seed}\n`);
  return seed;
}

export interface StormSize {
  readonly operations: number;
  readonly products: readonly string[];
  readonly locations: readonly string[];
}

export function planStorm(seed: number, size: StormSize): readonly StormOperation[] {
  const random = new SeededRandom(seed);
  return Array.from({ length: size.operations }, (_, number): StormOperation => {
    const keyed = random.chance(0.6);
    return {
      number,
      call: {
        name: random.chance(0.75) ? 'deductStock' : 'increaseStock',
        input: {
          items: Array.from({ length: random.integer(1, 5) }, () => planItem(random, size)),
          mode: random.chance(0.5) ? 'PARTIAL' : 'ALL_OR_NOTHING',
          reference: referenceOf(number),
          ...(keyed && { idempotencyKey: `key-${seed}-${number}` }),
        },
      },
      server: random.integer(0, 2),
      copies: keyed && random.chance(0.15) ? random.integer(2, 3) : 1,
      hangsUpAfterMs: random.chance(0.05) ? random.integer(1, 40) : null,
      asksAgain: keyed && random.chance(0.3),
    };
  });
}

/** Under this reference the ledger shows what became of an operation, with a key or without. */
export function referenceOf(operation: number): string {
  return `storm-${operation}`;
}

function planItem(random: SeededRandom, { products, locations }: StormSize) {
  const [hot] = products;
  const productId = random.chance(0.3) && hot ? hot : random.pick(products);
  return {
    productId: random.chance(0.02) ? 'nobody-knows' : productId,
    quantity: random.chance(0.02) ? 0 : random.integer(1, 4),
    locationId: random.pick(locations),
  };
}

export interface StormOptions {
  /** Addresses of the processes that are there now. */
  readonly targets: () => readonly string[];
  readonly clients?: number;
  /** How long a client asks again under its key, in milliseconds. */
  readonly patienceMs?: number;
  /**
   * Done once each, when this part of the operations has begun, from 0 to 1, while the others go on; one after another,
   * as the next one may be due while a server is still starting again.
   */
  readonly incidents?: readonly { readonly at: number; readonly happens: () => Promise<void> }[];
}

/** Runs the plan to its end; rejects where an incident does. */
export async function runStorm(
  plan: readonly StormOperation[],
  options: StormOptions,
): Promise<Storm> {
  const { clients = 40, incidents = [] } = options;
  const records: StormRecord[] = [];
  const open = [...plan];
  const coming = [...incidents];
  let happening = Promise.resolve();
  const client = async (): Promise<void> => {
    for (let operation = open.shift(); operation; operation = open.shift()) {
      const [incident] = coming;
      if (incident && operation.number >= incident.at * plan.length) {
        coming.shift();
        happening = happening.then(() => incident.happens());
        // It is heard of at the end.
        happening.catch(() => undefined);
      }
      records.push(await runOperation(operation, options));
    }
  };
  const reading = new Reading(plan, options);
  await Promise.all(Array.from({ length: clients }, client));
  await happening;
  return { records, reads: await reading.end() };
}

/** Clients that only read, one product after another, while the others change them. */
class Reading {
  private readonly reads: HistoryRead[] = [];
  private readonly readers: readonly Promise<void>[];
  private ended = false;

  constructor(
    plan: readonly StormOperation[],
    private readonly options: StormOptions,
  ) {
    const products = [
      ...new Set(
        plan.flatMap(({ call }) => call.input.items.map(({ productId }) => String(productId))),
      ),
    ];
    this.readers = Array.from({ length: READERS }, (_, reader) => this.run(reader, products));
  }

  async end(): Promise<readonly HistoryRead[]> {
    this.ended = true;
    await Promise.all(this.readers);
    return this.reads;
  }

  private async run(reader: number, products: readonly string[]): Promise<void> {
    for (let turn = reader; !this.ended; turn += 1) {
      const addresses = this.options.targets();
      const address = addresses[turn % addresses.length] ?? '';
      const id = products[(turn * (reader + 1)) % products.length] ?? '';
      await this.read(address, id).catch(() => undefined); // A server that is away has read nothing.
      await wait(READ_EVERY_MS);
    }
  }

  private async read(address: string, productId: string): Promise<void> {
    const beginMs = performance.now();
    const { data } = await send(address, ProductDocument, { id: productId });
    const endMs = performance.now();
    for (const level of data?.product?.levels ?? []) {
      const { locationId, onHand, available } = level;
      this.reads.push({ beginMs, endMs, productId, locationId, onHand, available });
    }
  }
}

const READERS = 2;
const READ_EVERY_MS = 25;

async function runOperation(
  operation: StormOperation,
  { targets, patienceMs = 60_000 }: StormOptions,
): Promise<StormRecord> {
  const { call, server, copies, hangsUpAfterMs } = operation;
  const ask = async (turn: number, signal?: AbortSignal): Promise<StormTry> => {
    const addresses = targets();
    const address = addresses[(server + turn) % addresses.length];
    if (!address) throw new Error('There is no process to ask.');
    const beginMs = performance.now();
    const answer = await callStock(address, call, signal && { signal });
    return { beginMs, endMs: performance.now(), answer, address };
  };
  const tries = await Promise.all(
    Array.from({ length: copies }, (_, turn) => {
      const hangsUp = turn === 0 && hangsUpAfterMs !== null;
      return hangsUp ? ask(turn, AbortSignal.timeout(hangsUpAfterMs)) : ask(turn);
    }),
  );
  const giveUpMs = performance.now() + patienceMs;
  /** One process after another, until one knows; each answer is kept. */
  const askUntilFinal = async (): Promise<Answer | null> => {
    for (let turn = 1; performance.now() < giveUpMs; turn += 1) {
      const one = await ask(turn);
      tries.push(one);
      if (isFinal(one.answer)) return one.answer;
      await wait(Math.min(200, 10 * turn));
    }
    return null;
  };
  const keyed = call.input.idempotencyKey !== undefined;
  const answered = tries.map(({ answer }) => answer).find(isFinal);
  const settled = answered ?? (keyed ? await askUntilFinal() : null);
  const again = settled && operation.asksAgain ? await askUntilFinal() : null;
  return { operation, tries, settled, again };
}
