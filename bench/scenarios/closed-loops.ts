/** Closed loops: each caller sends its next request as soon as it has its answer. */
import { toRow } from '../report/row.js';
import { PRODUCTS_MAX, UNLIMITED_UNITS } from '../test-bed.js';
import type { Demand, Job } from '../workers/job.js';
import {
  ALL_CONTENDERS,
  Workers,
  formsOfContender,
  verified,
  type Scenario,
  type Trial,
} from './scenario.js';

export const CALLERS = 200;
const WARM_UP_MS = 1_000;
/** Long enough for every contender to touch ten thousand products once before the measurement. */
const MANY_PRODUCTS_WARM_UP_MS = 2_500;
const SWEEP = [1, 4, 16, 64, 256, 1_024];
const SIMPLE_RIVALS = ['lanes', 'for-update', 'conditional-update'];
/** How long each load of a scenario with many loads is measured, as a share of the usual time. */
const POINT_SHARE = 0.5;

export const hot = closedLoop({
  name: 'hot',
  what: `${CALLERS} callers, 1 product`,
  contenders: [
    'lanes',
    'per-line',
    'for-update',
    'conditional-update',
    'optimistic',
    'as-described',
    'redlock',
    'redis-semaphore',
    'redis-counter',
  ],
  callers: CALLERS,
  demand: { products: 1, seed: 1 },
});

export const spread = closedLoop({
  name: 'spread',
  what: `${CALLERS} callers, ${PRODUCTS_MAX.toLocaleString('en')} products, uniformly distributed`,
  contenders: SIMPLE_RIVALS,
  callers: CALLERS,
  demand: { products: PRODUCTS_MAX, seed: 1 },
});

export const zipf = closedLoop({
  name: 'zipf',
  what: `${CALLERS} callers, ${PRODUCTS_MAX.toLocaleString('en')} products by Zipf's law, s = 1.1`,
  contenders: SIMPLE_RIVALS,
  callers: CALLERS,
  repeatsMax: 2,
  demand: { products: PRODUCTS_MAX, zipfExponent: 1.1, seed: 1 },
});

export const reserve = closedLoop({
  name: 'reserve',
  what: 'hot, with reservations in place of deductions',
  contenders: ['lanes', 'for-update'],
  known: ['lanes', 'for-update'],
  callers: CALLERS,
  demand: { products: 1, seed: 1 },
  action: 'reserve',
  repeatsMax: 2,
});

export const solo = closedLoop({
  name: 'solo',
  what: '1 caller, 1 product',
  contenders: SIMPLE_RIVALS,
  callers: 1,
  demand: { products: 1, seed: 1 },
  repeatsMax: 2,
});

function closedLoop(settings: {
  readonly name: string;
  readonly what: string;
  readonly contenders: readonly string[];
  readonly callers: number;
  readonly demand: Demand;
  readonly repeatsMax?: number;
  readonly action?: 'deduct' | 'reserve';
  /** All by default. */
  readonly known?: readonly string[];
}): Scenario {
  const { name, what, contenders, callers, demand, repeatsMax, action = 'deduct' } = settings;
  return {
    name,
    what,
    merit: 'opsPerSecond',
    contenders,
    known: settings.known ?? ALL_CONTENDERS,
    ...(repeatsMax !== undefined && { repeatsMax }),
    // A single caller, or callers behind locks of no more products than this, cannot use a larger pool.
    formsOf: (contender) =>
      formsOfContender(contender).filter(({ poolMax, tuning }) => {
        const atOnce = tuning === undefined ? callers : Math.min(callers, demand.products);
        return poolMax === 10 || atOnce > 10;
      }),
    run: async (trial, bed) => {
      await bed.prepare({ products: demand.products, units: UNLIMITED_UNITS });
      const { value, answers } = await Workers.use(
        bed,
        [{ ...jobOf(trial, bed.services, demand), action }],
        async (workers) => {
          const isMany = demand.products > callers;
          await workers.warmUp(callers, isMany ? MANY_PRODUCTS_WARM_UP_MS : WARM_UP_MS);
          return workers.measureFor(callers, trial.seconds);
        },
      );
      const title = { scenario: name, ...trial, point: '', callers };
      return verified(bed, [toRow(title, value, null)], answers);
    },
  };
}

export const sweep: Scenario = {
  name: 'sweep',
  what: `hot, ${SWEEP.join(', ')} callers`,
  merit: 'opsPerSecond',
  contenders: SIMPLE_RIVALS,
  known: ALL_CONTENDERS,
  repeatsMax: 1,
  formsLike: hot.name,
  formsOf: formsOfContender,
  run: async (trial, bed) => {
    await bed.prepare({ products: 1, units: UNLIMITED_UNITS });
    const job = jobOf(trial, bed.services, { products: 1, seed: 1 });
    const { value, answers } = await Workers.use(bed, [job], async (workers) => {
      await workers.warmUp(SWEEP[0] ?? 1, WARM_UP_MS);
      const measured = [];
      for (const callers of SWEEP) {
        measured.push({
          callers,
          measured: await workers.measureFor(callers, trial.seconds * POINT_SHARE),
        });
      }
      return measured;
    });
    const rows = value.map(({ callers, measured }) => {
      const point = `${callers.toLocaleString('en')} callers`;
      return toRow({ scenario: 'sweep', ...trial, point, callers }, measured, null);
    });
    return verified(bed, rows, answers);
  },
};

/** The job of a contender in one worker process. */
export function jobOf(
  { contender, form }: Trial,
  services: Extract<Job, { kind: 'closed-loop' }>['services'],
  demand: Demand,
): Extract<Job, { kind: 'closed-loop' }> {
  return { kind: 'closed-loop', contender, form, services, demand };
}
