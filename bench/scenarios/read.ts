/**
 * The cost of a page in a small shop and in a large one. Both are read by key at random positions. In the large one
 * pages are also read by OFFSET, for comparison. And the cost of a journey, for ids of all kinds, in both.
 */
import { toRow } from '../report/row.js';
import { LINES_PER_PRODUCT, fillShop } from '../shop.js';
import type { TestBed } from '../test-bed.js';
import type { Job } from '../workers/job.js';
import { Workers, type Scenario, type Trial } from './scenario.js';

const PRODUCTS_SMALL = 100;
const WARM_UP_MS = 500;
/** The point of the rows for `Query.journey`. */
export const JOURNEYS = 'journeys';
/** One caller, so that the latency is the cost of a page without waiting. */
const CALLERS = 1;

export const read: Scenario = {
  name: 'read',
  what: `pages and journeys, ${PRODUCTS_SMALL} products and a large shop (--read-rows), by key and by offset`,
  merit: 'p99Ms',
  contenders: ['small', 'large'],
  known: ['small', 'large'],
  repeatsMax: 1,
  formsOf: () => [{ label: 'pool 10', poolMax: 10 }],
  run: async (trial, bed) => {
    const isLarge = trial.contender === 'large';
    const products = isLarge
      ? Math.max(PRODUCTS_SMALL, Math.ceil(trial.readRows / LINES_PER_PRODUCT))
      : PRODUCTS_SMALL;
    await fillShop(bed, products);
    const size = { products, lines: products * LINES_PER_PRODUCT };
    const rows = [
      await measure(trial, bed, { ...size, how: 'keyset' }, trial.contender),
      await measure(trial, bed, { ...size, how: 'journeys' }, trial.contender, JOURNEYS),
    ];
    if (isLarge) rows.push(await measure(trial, bed, { ...size, how: 'offset' }, 'offset'));
    return rows;
  },
};

async function measure(
  trial: Trial,
  bed: TestBed,
  reads: Pick<Extract<Job, { kind: 'page-reads' }>, 'products' | 'lines' | 'how'>,
  contender: string,
  point = '',
) {
  const { services } = bed;
  const job: Job = { kind: 'page-reads', services, seed: 1, ...reads };
  const { value } = await Workers.use(bed, [job], async (workers) => {
    await workers.warmUp(CALLERS, WARM_UP_MS);
    return workers.measureFor(CALLERS, trial.seconds);
  });
  const title = { scenario: 'read', ...trial, contender, point, callers: CALLERS };
  return toRow(title, value, null);
}
