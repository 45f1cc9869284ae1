/**
 * The server processes of a round: builds, stops, kills and restarts them and, at the end, checks that each still
 * serves requests.
 */
import type { Operations } from '../inventory/operation.js';
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

/** Factories by which a mutant replaces a part of the simulated world. */
export interface Seams {
  readonly newDatabase?: (clock: Clock) => MemoryDatabase;
  readonly newStore?: (database: MemoryDatabase, settings: MemoryStockStoreSettings) => StockStore;
  readonly newScripts?: ScriptModels;
  /** How long a turn is kept while its transaction has no outcome, instead of the lock's time to live. */
  readonly turnMaxMs?: number;
}

export interface FleetParts {
  readonly time: SimulatedTime;
  readonly random: SeededRandom;
  readonly counts: Counts;
  readonly operations: Operations;
  readonly redis: SimulatedRedis;
  readonly database: MemoryDatabase;
  readonly databaseWeather: DatabaseWeather;
  readonly seams: Seams;
}

const MIXES: readonly (readonly StockLock[])[] = [
  ...[['redis'], ['redis'], ['redis'], ['redis']],
  ...[['none'], ['database'], ['redis', 'none', 'database']],
] as readonly (readonly StockLock[])[];

/** The time in which a request must be answered once all faults have ended, in milliseconds. */
const ALIVE_WITHIN_MS = 8_000;
/** The attempts at that request, and the pause before each, in milliseconds. */
const LAST_TRIES = 3;
const LAST_PAUSE_MS = 1_000;
/** How long a black hole lasts, and how soon after the time to live of the lock the others go on, in milliseconds. */
const HOLE_MS = 30_000;
const GOES_ON_AFTER_TTL_MS = 1_000;
const IMPATIENCE_MS = 20;

type HostSettings = Omit<ServerSettings, 'turnMaxMs'>;

interface Host {
  readonly settings: HostSettings;
  server: SimulatedServer;
}

export class Fleet {
  readonly witness = new LockWitness();
  readonly stockLock: string;
  private readonly hosts: Host[];
  private incarnations = 0;

  constructor(private readonly parts: FleetParts) {
    const { random } = parts;
    parts.redis.onTakenOver = (lock, lastToken) => {
      this.witness.takenOver(lock, lastToken);
    };
    const mix = random.pick(MIXES);
    this.stockLock = mix.join('+');
    const settings = {
      lockWaitMs: random.pick([1_000, 5_000]),
      batchMax: random.pick([1, 4, 500]),
      queueMax: random.pick([5, 10_000, 10_000]),
      queueMaxPerPrincipal: random.pick([3, 10_000]),
      commitsMax: random.pick([1, 2, 4]),
      fallback: random.pick(['database', 'database', 'fail'] as const),
    };
    const isShort = random.chance(0.3);
    // Servers of the version before know no owners, and run beside those of this one.
    const ownersIn = random.pick([0, 0.6, 1, 1, 1]);
    this.hosts = Array.from({ length: random.integer(2, 4) }, () => {
      // Below a second all must have the same, because the claim of a hand-over is shorter then.
      const ttlMs = isShort ? 500 : random.pick([1_000, 3_000, 5_000]);
      const owns = ownersIn > 0 && random.chance(ownersIn);
      const own = { ...settings, ttlMs, stockLock: random.pick(mix), owns };
      return { settings: own, server: this.start(own) };
    });
  }

  /** Includes stopped and dead processes. */
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

  /** Requests one unit of every product from every server. @returns a sentence for each request that failed. */
  async findStuck(products: readonly string[]): Promise<readonly string[]> {
    const { time } = this.parts;
    const stuck = new Map<string, string>();
    for (const { server } of this.hosts) {
      for (const productId of products) {
        const what = `${server.process.name} cannot serve ${productId} any more`;
        stuck.set(what, 'no answer');
        void this.askUntilServed(server, productId, (answer) => {
          if (answer === null) stuck.delete(what);
          else stuck.set(what, answer);
        });
      }
    }
    await time.runUntil(time.nowMs + LAST_TRIES * (ALIVE_WITHIN_MS + LAST_PAUSE_MS));
    return [...stuck].map(([what, answer]) => `${what}: ${answer}`);
  }

  /**
   * Loses one server's way to the database while it has a transaction of a product, and asks the others for the same
   * product. They must go on when the time to live of its lock is over.
   *
   * @returns a sentence for each server that did not.
   */
  async findHeldUp(products: readonly string[]): Promise<readonly string[]> {
    const { time, random, databaseWeather } = this.parts;
    const productId = random.pick(products);
    const [lost, ...others] = this.hosts;
    if (!lost) return [];
    const { process } = lost.server;
    const { ttlMs } = lost.settings;
    const holeMs = time.nowMs + random.between(0, 8);
    const boundMs = holeMs + ttlMs + GOES_ON_AFTER_TTL_MS;
    void this.increase(lost.server, productId, 'into the hole', HOLE_MS);
    time.after(holeMs - time.nowMs, 'black hole', () => {
      databaseWeather.openHole(process, ttlMs);
    });
    const late = new Set<string>();
    for (const { server } of others) {
      const what = `${server.process.name} was held up at ${productId} by the black hole of ${process.name}`;
      late.add(what);
      void this.goOn(server, productId, boundMs).then((isInTime) => {
        if (isInTime) late.delete(what);
      });
    }
    await time.runUntil(holeMs + HOLE_MS);
    databaseWeather.closeHole(process);
    return [...late];
  }

  /** Asks one time after another. @returns whether a unit was increased after the hole began and before the bound. */
  private async goOn(
    server: SimulatedServer,
    productId: string,
    boundMs: number,
  ): Promise<boolean> {
    const { time } = this.parts;
    for (let tries = 1; time.nowMs < boundMs; tries += 1) {
      await new Promise<void>((resolve) => {
        server.process.after(IMPATIENCE_MS, 'impatient request', resolve);
      });
      const isDone = await this.increase(server, productId, `beside the hole ${tries}`, HOLE_MS);
      if (isDone) return time.nowMs <= boundMs;
    }
    return false;
  }

  private async increase(
    server: SimulatedServer,
    productId: string,
    name: string,
    deadlineMs: number,
  ): Promise<boolean> {
    const items = [{ productId, locationId: 'annex', quantity: 1 }];
    const request = { kind: 'increase', mode: 'PARTIAL', items, idempotencyKey: null } as const;
    const reference = `${name} of ${server.process.name}`;
    const caller = server.caller(null, deadlineMs, new AbortController().signal);
    const { answer } = await server.carryOut({ ...request, reference }, caller);
    return answer.kind === 'ANSWERED' && answer.lines[0]?.outcome === 'APPLIED';
  }

  /** A connection that died unnoticed is found by the first request, which may fail. */
  private async askUntilServed(
    server: SimulatedServer,
    productId: string,
    told: (answer: string | null) => void,
  ): Promise<void> {
    const items = [{ productId, locationId: 'annex', quantity: 1 }];
    const request = { kind: 'increase', mode: 'PARTIAL', items, idempotencyKey: null } as const;
    for (let tries = 1; tries <= LAST_TRIES; tries += 1) {
      await new Promise<void>((resolve) => {
        server.process.after(LAST_PAUSE_MS, 'last request', resolve);
      });
      const caller = server.caller(null, ALIVE_WITHIN_MS, new AbortController().signal);
      const reference = `last-${server.process.name}-${productId}-${tries}`;
      const { answer } = await server.carryOut({ ...request, reference }, caller);
      const [line] = answer.kind === 'ANSWERED' ? answer.lines : [];
      const isServed = line?.outcome === 'APPLIED';
      told(isServed ? null : JSON.stringify(answer));
      if (isServed) return;
    }
  }

  /** Stops every process gracefully, so that no operation is under way afterwards. */
  async stop(): Promise<void> {
    for (const { server } of this.hosts) server.process.after(0, 'stop', () => void server.stop());
    await this.parts.time.runUntil(this.parts.time.nowMs + 10_000);
  }

  private restart(host: Host): void {
    if (!host.server.process.isAlive) host.server = this.start(host.settings);
  }

  private start(settings: HostSettings): SimulatedServer {
    const { operations, time, random, redis, database, databaseWeather, seams, counts } =
      this.parts;
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
    const own = { operations, process, database, store, redis, random: random.fork(), counts };
    const { turnMaxMs = settings.ttlMs } = seams;
    return new SimulatedServer({ ...own, witness: this.witness }, { ...settings, turnMaxMs });
  }
}
