/**
 * The server processes of a round: how each is put together, stopped, killed, started again and, at the end, asked
 * whether it still works.
 */
import type { StockStore } from '../inventory/stock-store.js';
import type { Clock } from '../time/clock.js';
import type { DatabaseWeather } from './database-weather.js';
import type { Counts } from './counts.js';
import type { ScriptModels } from './lock-script-model.js';
import type { MemoryDatabase } from './memory-database.js';
import { MemoryStockStore, type MemoryStockStoreSettings } from './memory-stock-store.js';
import type { SeededRandom } from './seeded-random.js';
import { SimulatedProcess } from './simulated-process.js';
import type { SimulatedRedis } from './simulated-redis.js';
import { SimulatedServer, type ServerSettings, type StockLock } from './simulated-server.js';
import type { SimulatedTime } from './simulated-time.js';
import { LockWitness } from './witness.js';

/** Where a mutant is put in: each makes a part of the world in place of the usual one. */
export interface Seams {
  readonly newDatabase?: (clock: Clock) => MemoryDatabase;
  readonly newStore?: (database: MemoryDatabase, settings: MemoryStockStoreSettings) => StockStore;
  readonly newScripts?: ScriptModels;
}

export interface FleetParts {
  readonly time: SimulatedTime;
  readonly random: SeededRandom;
  readonly counts: Counts;
  readonly redis: SimulatedRedis;
  readonly database: MemoryDatabase;
  readonly databaseWeather: DatabaseWeather;
  readonly seams: Seams;
}

const MIXES: readonly (readonly StockLock[])[] = [
  ...[['redis'], ['redis'], ['redis'], ['redis']],
  ...[['none'], ['database'], ['redis', 'none', 'database']],
] as readonly (readonly StockLock[])[];

/** Once all faults have ended, a request is answered within this, in milliseconds. */
const ALIVE_WITHIN_MS = 8_000;

interface Host {
  readonly settings: ServerSettings;
  server: SimulatedServer;
}

export class Fleet {
  readonly witness = new LockWitness();
  readonly stockLock: string;
  private readonly hosts: Host[];
  private incarnations = 0;

  constructor(private readonly parts: FleetParts) {
    const { random } = parts;
    const mix = random.pick(MIXES);
    this.stockLock = mix.join('+');
    const settings = {
      ttlMs: random.pick([500, 1_000, 5_000]),
      lockWaitMs: random.pick([1_000, 5_000]),
      batchMax: random.pick([1, 4, 500]),
      queueMax: random.pick([5, 10_000, 10_000]),
      commitsMax: random.pick([1, 2, 4]),
      fallback: random.pick(['database', 'database', 'fail'] as const),
    };
    this.hosts = Array.from({ length: random.integer(2, 4) }, () => {
      const own = { ...settings, stockLock: random.pick(mix) };
      return { settings: own, server: this.start(own) };
    });
  }

  /** Also those that are stopped or dead. */
  get servers(): readonly SimulatedServer[] {
    return this.hosts.map(({ server }) => server);
  }

  stopOne(random: SeededRandom): SimulatedProcess {
    const { process } = random.pick(this.hosts).server;
    process.stop();
    return process;
  }

  /** @returns how to start it again. */
  killOne(random: SeededRandom): () => void {
    const host = random.pick(this.hosts);
    host.server.process.kill();
    return () => {
      this.restart(host);
    };
  }

  heal(): void {
    for (const host of this.hosts) {
      host.server.process.resume();
      this.restart(host);
    }
  }

  /** Asks every server for one unit of every product: a sentence for each that gives no final answer. */
  async findStuck(products: readonly string[]): Promise<readonly string[]> {
    const { time } = this.parts;
    const stuck: string[] = [];
    const open = new Set<string>();
    for (const [at, { server }] of this.hosts.entries()) {
      for (const productId of products) {
        const reference = `last-${at}-${productId}`;
        open.add(reference);
        server.process.after(0, 'last request', () => {
          const items = [{ productId, locationId: 'annex', quantity: 1 }];
          const request = { kind: 'increase', mode: 'PARTIAL', items } as const;
          const caller = server.caller(ALIVE_WITHIN_MS, new AbortController().signal);
          void server
            .carryOut({ ...request, reference, idempotencyKey: null }, caller)
            .then(({ answer }) => {
              open.delete(reference);
              const [line] = answer.kind === 'ANSWERED' ? answer.lines : [];
              if (line?.outcome === 'APPLIED') return;
              const told = JSON.stringify(answer);
              stuck.push(`${server.process.name} cannot serve ${productId} any more: ${told}`);
            });
        });
      }
    }
    await time.runUntil(time.nowMs + ALIVE_WITHIN_MS + 1_000);
    return [...stuck, ...[...open].map((reference) => `${reference} got no answer.`)];
  }

  /** Every process ends in good order: nothing is under way any more then. */
  async stop(): Promise<void> {
    for (const { server } of this.hosts) server.process.after(0, 'stop', () => void server.stop());
    await this.parts.time.runUntil(this.parts.time.nowMs + 10_000);
  }

  private restart(host: Host): void {
    if (!host.server.process.isAlive) host.server = this.start(host.settings);
  }

  private start(settings: ServerSettings): SimulatedServer {
    const { time, random, redis, database, databaseWeather, seams, counts } = this.parts;
    this.incarnations += 1;
    const name = `server-${this.incarnations}`;
    const process = new SimulatedProcess(name, time, random.integer(0, 1_000_000));
    const storeSettings: MemoryStockStoreSettings = {
      clock: process.clock,
      random: random.fork().next,
      faults: databaseWeather.faultsOf(process),
    };
    const store = seams.newStore
      ? seams.newStore(database, storeSettings)
      : new MemoryStockStore(database, storeSettings);
    const own = { process, database, store, redis, random: random.fork(), counts };
    return new SimulatedServer({ ...own, witness: this.witness }, settings);
  }
}
