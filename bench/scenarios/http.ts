/**
 * Requests through the real server as it is started in production, beside two ceilings that answer the same operation
 * from memory: the product's server over a stock service that touches nothing, and Apollo's standalone server with a
 * plain schema. Server and load generator each have a process of their own.
 */
import type { Form } from '../contenders/contender.js';
import { HttpServer, SERVERS, type ServerName } from '../http/server-process.js';
import { toRow } from '../report/row.js';
import { PRODUCTS_MAX, UNLIMITED_UNITS } from '../test-bed.js';
import type { Demand } from '../workers/job.js';
import { Workers, verified, type Scenario } from './scenario.js';

const CONNECTIONS = 200;
const WARM_UP_MS = 1_500;
const FORMS: readonly Form[] = [{ label: 'pool 10', poolMax: 10 }];

export const httpHot = overHttp({
  name: 'http-hot',
  what: `${CONNECTIONS} connections, 1 product, over HTTP`,
  contenders: ['lanes', 'http-ceiling', 'apollo-standalone'],
  demand: { products: 1, seed: 1 },
});

export const httpSpread = overHttp({
  name: 'http-spread',
  what: `${CONNECTIONS} connections, ${PRODUCTS_MAX.toLocaleString('en')} products, over HTTP`,
  contenders: ['lanes', 'http-ceiling', 'apollo-standalone'],
  demand: { products: PRODUCTS_MAX, seed: 1 },
});

function overHttp(settings: {
  readonly name: string;
  readonly what: string;
  readonly contenders: readonly ServerName[];
  readonly demand: Demand;
}): Scenario {
  const { name, what, contenders, demand } = settings;
  return {
    name,
    what,
    merit: 'opsPerSecond',
    contenders,
    known: SERVERS,
    repeatsMax: 2,
    formsOf: () => FORMS,
    run: async (trial, bed) => {
      await bed.prepare({ products: demand.products, units: UNLIMITED_UNITS });
      const server = await HttpServer.start(trial.contender as ServerName, bed);
      try {
        const { value, answers } = await Workers.use(
          bed,
          [{ kind: 'http', url: server.url, authorization: server.authorization, demand }],
          async (workers) => {
            await workers.warmUp(CONNECTIONS, WARM_UP_MS);
            return workers.measureFor(CONNECTIONS, trial.seconds, [server]);
          },
        );
        await server.stop();
        const title = { scenario: name, ...trial, point: '', callers: CONNECTIONS };
        const row = toRow(title, value, null);
        return server.deducts ? await verified(bed, [row], answers) : [row];
      } finally {
        server.kill();
      }
    },
  };
}
