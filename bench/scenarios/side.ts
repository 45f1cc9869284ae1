/** What other requests notice of a sale: reads during bursts of buyers on the same pool, and the same reads alone. */
import { toRow } from '../report/row.js';
import { UNLIMITED_UNITS } from '../test-bed.js';
import { ALL_CONTENDERS, Workers, formsOfContender, verified, type Scenario } from './scenario.js';

const PRODUCTS = 1_000;
const READS_PER_SECOND = 100;
const CROWD = 1_000;
const CROWD_EVERY_MS = 2_000;
const WARM_UP_MS = 2_000;
/** Relative to the other scenarios' time, because bursts are rare: 8 s for their 1.5 s. */
const SECONDS_FACTOR = 8 / 1.5;
/** The reads without a sale: the product without buyers. */
const ALONE = 'alone';

export const side: Scenario = {
  name: 'side',
  what: `${READS_PER_SECOND} reads a second, whose latencies these are, beside 1,000 buyers every 2 s`,
  merit: 'p99Ms',
  contenders: ['lanes', 'for-update', ALONE],
  known: [...ALL_CONTENDERS, ALONE],
  repeatsMax: 1,
  formsOf: (contender) => formsOfContender(contender === ALONE ? 'lanes' : contender),
  run: async (trial, bed) => {
    const alone = trial.contender === ALONE;
    const buyers = alone ? 0 : CROWD;
    await bed.prepare({ products: PRODUCTS, units: UNLIMITED_UNITS });
    const { value, answers } = await Workers.use(
      bed,
      [
        {
          kind: 'side-reads',
          contender: alone ? 'lanes' : trial.contender,
          form: trial.form,
          services: bed.services,
          products: PRODUCTS,
          readsPerSecond: READS_PER_SECOND,
          crowdEveryMs: CROWD_EVERY_MS,
        },
      ],
      async (workers) => {
        await workers.warmUp(buyers, WARM_UP_MS);
        const seconds = trial.seconds * (alone ? SECONDS_FACTOR / 3 : SECONDS_FACTOR);
        return workers.measureFor(buyers, seconds);
      },
    );
    const title = { scenario: 'side', ...trial, point: '', callers: buyers };
    return verified(bed, [toRow(title, value, null)], answers);
  },
};
