/**
 * The callers of `hot` and of `spread`, spread over several processes: what each further process of the same contender
 * adds, without HTTP.
 */
import { toRow } from '../report/row.js';
import { PRODUCTS_MAX, UNLIMITED_UNITS } from '../test-bed.js';
import type { Demand } from '../workers/job.js';
import { CALLERS, hot, jobOf, spread } from './closed-loops.js';
import {
  ALL_CONTENDERS,
  Workers,
  formsOfContender,
  verified,
  warmUpMsOf,
  type Scenario,
} from './scenario.js';

const COUNTS = [1, 2, 4];
const WARM_UP_MS = 2_000;
/** A process of Node uses about a second of CPU until its code is compiled; here four share the cores. */
const WARM_UP_PER_PROCESS_MS = 1_500;
/** Relative to the other scenarios' time: a turn of four processes takes longer than one process' turn. */
const SECONDS_FACTOR = 4 / 3;

export const processesHot = overProcesses({
  name: 'processes-hot',
  what: `hot, ${CALLERS} callers spread over ${COUNTS.join(', ')} processes`,
  formsLike: hot.name,
  demand: { products: 1, seed: 1 },
  contenders: ['lanes', 'for-update'],
});

export const processesSpread = overProcesses({
  name: 'processes-spread',
  what: `spread, ${CALLERS} callers spread over ${COUNTS.join(', ')} processes`,
  formsLike: spread.name,
  demand: { products: PRODUCTS_MAX, seed: 1 },
  contenders: ['lanes'],
});

/** The load of one count of processes. */
export function pointOf(count: number): string {
  return count === 1 ? '1 process' : `${count} processes`;
}

function overProcesses(settings: {
  readonly name: string;
  readonly what: string;
  readonly formsLike: string;
  readonly demand: Demand;
  readonly contenders: readonly string[];
}): Scenario {
  const { name, what, formsLike, demand, contenders } = settings;
  return {
    name,
    what,
    merit: 'opsPerSecond',
    contenders,
    known: ALL_CONTENDERS,
    formsLike,
    formsOf: formsOfContender,
    run: async (trial, bed) => {
      const rows = [];
      for (const count of COUNTS) {
        await bed.prepare({ products: demand.products, units: UNLIMITED_UNITS });
        const callers = CALLERS / count;
        // A seed of its own for each process: otherwise all of them would ask for one product at a time.
        const jobs = Array.from({ length: count }, (_, i) =>
          jobOf(trial, bed.services, { ...demand, seed: demand.seed + i }),
        );
        const { value, answers } = await Workers.use(bed, jobs, async (workers) => {
          const warmUpMs = warmUpMsOf(trial, WARM_UP_MS + count * WARM_UP_PER_PROCESS_MS);
          await workers.warmUp(callers, warmUpMs);
          return workers.measureFor(callers, trial.seconds * SECONDS_FACTOR);
        });
        const title = { scenario: name, ...trial, point: pointOf(count), callers: CALLERS };
        rows.push(...(await verified(bed, [toRow(title, value, null)], answers)));
      }
      return rows;
    },
  };
}
