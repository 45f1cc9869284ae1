/**
 * Pages of twenty at random positions, alternately of the product list and of the ledger: by key as the product reads
 * them, or by LIMIT and OFFSET, which reads all rows in front of the page. Or journeys of ids of all kinds in turn.
 */
import { Database } from '../../src/database/connections.js';
import { MysqlJourneys } from '../../src/database/reading/journeys.js';
import { MysqlProductCatalogue } from '../../src/database/reading/product-catalogue.js';
import { systemClock } from '../../src/time/clock.js';
import { Deadline } from '../../src/time/deadline.js';
import type { Answer } from '../contenders/contender.js';
import { seededRandom } from '../random.js';
import { PRINCIPALS, PRODUCTS_PER_ORDER, LINES_PER_PRODUCT } from '../shop.js';
import { productId, type Job } from './job.js';

const POOL_MAX = 10;
const COMMITS_MAX = 2;
const PAGE = 20;
const READ_MAX_MS = 60_000;
/** The products with an id that ends in a plain number; the others lie between them. */
const PLAIN_IDS_MAX = 10_000;

export interface PageReads {
  readOne(): Promise<Answer>;
  close(): Promise<void>;
}

export function openPageReads(job: Extract<Job, { kind: 'page-reads' }>): PageReads {
  const { services, products, lines } = job;
  const database = new Database({
    url: services.mysqlUrl,
    poolMax: POOL_MAX,
    commitsMax: COMMITS_MAX,
  });
  const catalogue = new MysqlProductCatalogue(database);
  const random = seededRandom(job.seed);
  const below = (bound: number) => Math.floor(random() * bound);
  const page = (key: string) => ({
    direction: 'FORWARD' as const,
    limit: PAGE,
    after: Buffer.from(JSON.stringify([key]), 'utf8').toString('base64url'),
  });
  const soon = () => Deadline.in(READ_MAX_MS, systemClock);
  const journeys = new MysqlJourneys(database);
  const first = { direction: 'FORWARD', limit: PAGE, after: null } as const;
  const journey = async (id: string) => {
    const { kinds } = await journeys.journey({ id, principal: null }, first, soon());
    if (kinds.length === 0) throw new Error(`Nothing in the shop has the id ${id}.`);
  };
  const order = () => PRODUCTS_PER_ORDER * below(products / PRODUCTS_PER_ORDER);
  const product = () => productId(below(Math.min(products, PLAIN_IDS_MAX)));
  const reads = {
    journeys: [
      () => journey(product()),
      () => journey('default'),
      () => journey(`${product()}/default/${1 + below(LINES_PER_PRODUCT)}`),
      () => journey(`r-${order()}`),
      () => journey(`order-${order()}`),
      () => journey(`key-${order()}`),
      () => journey(`shop-${below(PRINCIPALS)}`),
    ],
    keyset: [
      () => catalogue.products(page(product()), {}, soon()),
      () => catalogue.movements(page(String(1 + below(lines))), null, soon()),
    ],
    offset: [
      () =>
        database.reader.list(
          'SELECT * FROM products ORDER BY id LIMIT ? OFFSET ?',
          [PAGE, below(products)],
          soon(),
        ),
      () =>
        database.reader.list(
          'SELECT * FROM stock_movements ORDER BY entry DESC LIMIT ? OFFSET ?',
          [PAGE, below(lines)],
          soon(),
        ),
    ],
  }[job.how];
  let begun = 0;
  return {
    readOne: async () => {
      begun += 1;
      await reads[begun % reads.length]?.();
      return 'taken';
    },
    close: () => database.close(),
  };
}
