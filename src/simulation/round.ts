/**
 * A round: a fresh world from one seed, some minutes of its time, and the checks at its end. A long simulation is many
 * rounds, so that a failure is reproduced by its own seed, with a history of one round.
 */
import { Operations } from '../inventory/operation.js';
import { checkHistory } from './history-checks.js';
import { Clients } from './clients.js';
import { Counts } from './counts.js';
import { DatabaseWeather } from './database-weather.js';
import { inflict, type FaultTargets } from './faults.js';
import { Weather } from './network-weather.js';
import type { History } from './history.js';
import { MemoryDatabase } from './memory-database.js';
import { SeededRandom } from './seeded-random.js';
import { Fleet, type Seams } from './fleet.js';
import { SimulatedRedis } from './simulated-redis.js';
import { SimulatedProcess } from './simulated-process.js';
import { SimulatedTime } from './simulated-time.js';
import { storyOf } from './story.js';
import { Workload } from './workload.js';

export interface RoundReport {
  readonly seed: number;
  readonly simulatedMs: number;
  readonly events: number;
  /** Equal in two runs of one seed. */
  readonly traceHash: string;
  readonly stockLock: string;
  readonly faults: Readonly<Record<string, number>>;
  readonly outcomes: Readonly<Record<string, number>>;
  /** Violations of the checks, as sentences. */
  readonly wrong: readonly string[];
  /** The faults and clients that took part, by names that can be omitted. */
  readonly parts: readonly string[];
  /** The events in the order of time: faults, and calls with their answers. */
  readonly story: readonly string[];
}

/** The time that clients have after the last burst to get the answers of their operations, in milliseconds. */
const QUIET_MS = 150_000;
const LOCATIONS = ['default', 'annex'];

/** Faults and clients that a round omits, by name. Their random numbers are drawn nevertheless. */
export type Omitted = ReadonlySet<string>;

export async function runRound(
  seed: number,
  seams: Seams = {},
  omitted: Omitted = new Set(),
): Promise<RoundReport> {
  return new Round(seed, seams, omitted).run();
}

class Round {
  private readonly time = new SimulatedTime();
  private readonly random: SeededRandom;
  private readonly counts = new Counts();
  private readonly weather: Weather;
  private readonly databaseWeather: DatabaseWeather;
  private readonly database: MemoryDatabase;
  private readonly redis: SimulatedRedis;
  private readonly fleet: Fleet;
  private readonly clients: Clients;
  private readonly products: readonly string[];
  private drawn = 0;
  private readonly parts: string[] = [];
  private readonly faults: { readonly atMs: number; readonly name: string }[] = [];

  constructor(
    private readonly seed: number,
    seams: Seams,
    private readonly omitted: Omitted,
  ) {
    const { time, counts } = this;
    this.random = new SeededRandom(seed);
    const { random } = this;
    const operations = new Operations(random.fork().bytes);
    this.weather = new Weather(random.fork());
    this.databaseWeather = new DatabaseWeather(random.fork(), counts);
    const machine = new SimulatedProcess('database', time, 0);
    this.database = (seams.newDatabase ?? ((clock) => new MemoryDatabase(clock)))(machine.clock);
    this.redis = new SimulatedRedis(time, random.fork(), this.weather, seams.newScripts);
    this.products = this.stockUp();
    this.fleet = new Fleet({
      time,
      random,
      counts,
      operations,
      redis: this.redis,
      database: this.database,
      databaseWeather: this.databaseWeather,
      seams,
    });
    const servers = () => this.fleet.servers;
    this.clients = new Clients({ time, random: random.fork(), servers });
  }

  async run(): Promise<RoundReport> {
    const { time, random, clients, fleet, products, database } = this;
    const initial = this.levels();
    const workload = new Workload(random.fork(), { products, locations: LOCATIONS });
    let atMs = random.between(500, 2_000);
    for (let bursts = random.integer(1, 3); bursts > 0; bursts -= 1) {
      for (const plan of workload.burst()) {
        if (this.takesPart('client')) clients.start(atMs, plan);
      }
      this.planFaults(atMs);
      atMs += random.chance(0.5) ? random.between(300, 5_000) : random.between(30_000, 600_000);
    }
    await time.runUntil(atMs + 12_000);
    this.heal();
    const untilMs = time.nowMs + QUIET_MS;
    while (clients.busy > 0 && time.nowMs < untilMs) await time.runUntil(time.nowMs + 1_000);
    const history: History = {
      initial,
      operations: clients.operations,
      reads: clients.reads,
      ledger: this.ledger(),
      levels: this.levels(),
    };
    // Requests from now on are not part of the history.
    const stuck = await fleet.findStuck(products);
    const heldUp = stuck.length > 0 ? [] : await fleet.findHeldUp(products);
    await fleet.stop();
    const { wrong, counts } = checkHistory(history);
    const unfinished = clients.busy > 0 ? [`${clients.busy} clients came to no end.`] : [];
    return {
      seed: this.seed,
      simulatedMs: time.nowMs,
      events: time.events,
      traceHash: time.traceHash,
      stockLock: fleet.stockLock,
      faults: { ...this.counts.toObject(), 'Redis: script run twice': this.redis.doubled },
      outcomes: { ...this.outcomes(), ...counts, 'leases had': fleet.witness.leases },
      wrong: [
        ...unfinished,
        ...stuck,
        ...heldUp,
        ...database.problems(),
        ...fleet.witness.wrong,
        ...wrong,
      ],
      parts: this.parts,
      story: storyOf(this.faults, clients.operations),
    };
  }

  private stockUp(): readonly string[] {
    const { random, database } = this;
    const products = Array.from({ length: random.integer(1, 5) }, (_, i) => `p${i + 1}`);
    for (const id of products) database.createProduct(id, random.integer(1, 60));
    database.locations.add('annex');
    return products;
  }

  private planFaults(burstMs: number): void {
    const { time, random, redis, weather, counts, fleet } = this;
    const database = this.databaseWeather;
    const targets: FaultTargets = { time, redis, weather, database, fleet, counts };
    weather.doubleShare = random.chance(0.3) ? 0.05 : 0;
    if (random.chance(0.25)) database.lostCommitShare = 0.1;
    const faults = random.chance(0.15) ? 0 : random.integer(1, 4);
    for (let i = 0; i < faults; i += 1) {
      const span = random.pick([100, 400, 2_000]);
      const atMs = burstMs + random.between(-0.1, 1) * span;
      const own = random.fork();
      if (!this.takesPart('fault')) continue;
      time.after(atMs - time.nowMs, 'fault', () => {
        this.faults.push({ atMs: time.nowMs, name: inflict(targets, own) });
      });
    }
  }

  /** @returns whether the next part of this kind is not omitted. */
  private takesPart(kind: 'client' | 'fault'): boolean {
    this.drawn += 1;
    const name = `${kind}-${this.drawn}`;
    if (this.omitted.has(name)) return false;
    this.parts.push(name);
    return true;
  }

  /** Ends all faults: from now on every request must succeed. */
  private heal(): void {
    this.weather.slowShare = 0;
    this.weather.doubleShare = 0;
    this.redis.comeBack();
    this.databaseWeather.heal();
    this.fleet.heal();
  }

  private levels(): ReadonlyMap<string, number> {
    return new Map([...this.database.levels].map(([place, { onHand }]) => [place, onHand]));
  }

  private ledger(): History['ledger'] {
    return this.database.ledger
      .map((line) => ({
        productId: line.productId,
        locationId: line.locationId,
        sequence: line.sequence,
        kind: line.kind,
        delta: line.delta,
        quantityAfter: line.quantityAfter,
        availableAfter: line.availableAfter,
        reference: line.reference,
        lineIndex: line.lineIndex,
        fencingToken: line.fencingToken === null ? null : String(line.fencingToken),
        committedMs: line.committedMs,
      }))
      .sort((a, b) => a.sequence - b.sequence);
  }

  private outcomes(): Record<string, number> {
    const outcomes = new Counts();
    for (const { tries } of this.clients.operations) {
      for (const { answer } of tries) {
        if (answer.kind === 'UNKNOWN') outcomes.add(`unknown: ${answer.reason}`);
        else if (answer.kind === 'FAULT') outcomes.add(`fault: ${answer.code}`);
        else {
          for (const line of answer.lines) {
            outcomes.add(line.outcome === 'APPLIED' ? 'applied' : `refused: ${line.code}`);
          }
        }
      }
    }
    return outcomes.toObject();
  }
}
