/**
 * The faults of a round, their kinds and durations drawn from its seed. Each kind is counted, so that a report shows
 * whether it occurred.
 */
import type { Counts } from './counts.js';
import { STEP_MAX_MS, type DatabaseWeather } from './database-weather.js';
import type { Fleet } from './fleet.js';
import type { Weather } from './network-weather.js';
import type { SeededRandom } from './seeded-random.js';
import type { SimulatedRedis } from './simulated-redis.js';
import type { SimulatedTime } from './simulated-time.js';

export interface FaultTargets {
  readonly time: SimulatedTime;
  readonly redis: SimulatedRedis;
  readonly weather: Weather;
  readonly database: DatabaseWeather;
  readonly fleet: Fleet;
  readonly counts: Counts;
}

type Fault = (targets: FaultTargets, random: SeededRandom) => void;

/** Faults that end by themselves. */
const FAULTS: Readonly<Record<string, Fault>> = {
  'Redis: away, data kept': ({ time, redis }, random) => {
    redis.goAway({ keepsData: true });
    time.after(random.between(100, 6_000), 'Redis is back', () => {
      redis.comeBack();
    });
  },
  'Redis: away, data lost': ({ time, redis, fleet }, random) => {
    fleet.witness.endTrust();
    redis.goAway({ keepsData: false });
    time.after(random.between(50, 3_000), 'Redis is back', () => {
      redis.comeBack();
    });
  },
  'Redis: stops answering': ({ redis }, random) => {
    redis.freeze(random.between(50, 4_000));
  },
  'Redis: forgets all keys': ({ redis, fleet }) => {
    fleet.witness.endTrust();
    redis.loseData();
  },
  'Redis: clock set': ({ redis, fleet }, random) => {
    fleet.witness.endTrust();
    redis.setClock(random.between(-5_000, 5_000));
  },
  'network: connections to Redis cut': ({ redis, fleet }, random) => {
    const all = random.chance(0.3);
    redis.breakConnections(all ? null : random.pick(fleet.servers).process, false);
  },
  'network: connections to Redis dead, unnoticed': ({ redis, fleet }, random) => {
    redis.breakConnections(random.pick(fleet.servers).process, true);
  },
  'network: slow': ({ time, weather }, random) => {
    weather.slowShare = random.between(0.02, 0.3);
    weather.slowMaxMs = random.pick([20, 200, 1_000]);
    time.after(random.between(500, 6_000), 'network is quick', () => {
      weather.slowShare = 0;
    });
  },
  'process: stopped': ({ time, fleet }, random) => {
    const process = fleet.stopOne(random);
    time.after(random.between(20, 9_000), 'process resumes', () => {
      process.resume();
    });
  },
  'process: killed': ({ time, fleet }, random) => {
    const restart = fleet.killOne(random);
    time.after(random.between(200, 5_000), 'process restarts', restart);
  },
  'database: away': ({ time, database }, random) => {
    database.isAway = true;
    time.after(random.between(50, 5_000), 'database is back', () => {
      database.isAway = false;
    });
  },
  'database: slow': ({ time, database }, random) => {
    database.stepMaxMs = random.pick([20, 100, 600]);
    time.after(random.between(500, 6_000), 'database is quick', () => {
      database.stepMaxMs = STEP_MAX_MS;
    });
  },
  'database: loses connections': ({ time, database }, random) => {
    database.failShare = random.between(0.01, 0.2);
    database.lostCommitShare = random.between(0.05, 0.4);
    time.after(random.between(500, 6_000), 'database keeps connections', () => {
      database.failShare = 0;
      database.lostCommitShare = 0;
    });
  },
};

const FAULT_NAMES = Object.keys(FAULTS);

/** @returns the name of the fault. */
export function inflict(targets: FaultTargets, random: SeededRandom): string {
  const name = random.pick(FAULT_NAMES);
  targets.counts.add(name);
  FAULTS[name]?.(targets, random);
  return name;
}
