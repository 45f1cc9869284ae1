/**
 * The product's whole server over a stock service that touches nothing: the cost of HTTP, GraphQL and checking the
 * request. The difference to the real server is the cost of locking, deciding and writing durably.
 */
import { hash } from 'node:crypto';
import { pino } from 'pino';
import { splitKey } from '../../src/auth/api-key.js';
import { ApiKeyVerifier } from '../../src/auth/api-key-verifier.js';
import { BearerAuthenticator } from '../../src/auth/bearer-authenticator.js';
import { toScopes } from '../../src/auth/principal.js';
import { StockFeed } from '../../src/changes/stock-feed.js';
import { loadConfig } from '../../src/config.js';
import { CompiledOperations } from '../../src/graphql/compiled/compiled-operations.js';
import { DocumentStore } from '../../src/graphql/document-store.js';
import { AutomaticDocuments } from '../../src/graphql/persisted-documents.js';
import { RefusalLog } from '../../src/graphql/refusal-log.js';
import { GraphqlServer } from '../../src/http/server.js';
import { CommitSlots } from '../../src/inventory/lanes/commit-slots.js';
import { Journeys, type JourneyCatalogue } from '../../src/inventory/journey.js';
import { LocationService } from '../../src/inventory/location-service.js';
import { ProductService } from '../../src/inventory/product-service.js';
import { Operations } from '../../src/inventory/operation.js';
import { stockOperations } from '../../src/inventory/stock-operations.js';
import { movementId, type StockWrite } from '../../src/inventory/stock.js';
import type { LocationCatalogue } from '../../src/inventory/locations.js';
import type { ProductCatalogue } from '../../src/inventory/products.js';
import {
  ReservationExtension,
  type ReservationExtender,
} from '../../src/inventory/reservation-extension.js';
import { ReservationList, type ReservationLister } from '../../src/inventory/reservation-list.js';
import type { ReservationCatalogue } from '../../src/inventory/reservation.js';
import type { WriteResult } from '../../src/inventory/stock-store.js';
import { stockadeMetrics } from '../../src/metrics/stockade-metrics.js';
import { RequestLimit } from '../../src/rate-limit/request-limit.js';
import { systemClock, systemRandom, systemRandomBytes } from '../../src/time/clock.js';

const config = loadConfig(process.env);

/** Applies everything at once. */
const stock = {
  decreaseStock: grant,
  increaseStock: grant,
  carryOut: grant,
};

function grant({ lines }: StockWrite): Promise<WriteResult> {
  return Promise.resolve({
    outcome: 'DECIDED',
    verdicts: lines.map((line) => ({
      outcome: 'APPLIED',
      remaining: 1_000_000,
      movementId: movementId(line, 1),
      replayed: false,
    })),
  });
}

/** The only API key, as the database would return it. */
const { prefix, secret } = splitKey(process.env.BENCH_API_KEY ?? '');
const key = {
  prefix,
  name: 'bench',
  secretSha256: hash('sha256', secret, 'buffer'),
  scopes: toScopes(['deduct']),
  expiresAt: null,
  revokedAt: null,
};
const find = () => Promise.resolve([key]);
const apiKeys = new ApiKeyVerifier({ findByPrefixes: find, findUnrevoked: find });
const log = pino({ level: config.logLevel });
const shared = { log, clock: systemClock, random: systemRandom };
const requestLimit =
  config.rateLimit && config.redisUrl
    ? new RequestLimit({ ...shared, ...config.rateLimit, redisUrl: config.redisUrl })
    : null;
// This benchmark reads nothing and reserves nothing.
const catalogue = {} as ProductCatalogue;

const documents = new DocumentStore();
const compiled = new CompiledOperations(config.graphqlCompiled);
const server = new GraphqlServer({
  refusals: new RefusalLog(log),
  services: {
    ...stockOperations(stock, new Operations(systemRandomBytes), {} as ReservationCatalogue, {
      batchMax: config.stockBatchMax,
    }),
    reservationExtension: new ReservationExtension({} as ReservationExtender, new CommitSlots(1)),
    reservationList: new ReservationList({} as ReservationLister),
    locations: new LocationService({} as LocationCatalogue, new CommitSlots(1)),
    products: new ProductService(catalogue, new CommitSlots(1)),
    stockWatch: new StockFeed({ ...shared, products: catalogue, queueMax: config.watchQueueMax }),
    journeys: new Journeys({} as JourneyCatalogue),
    fleet: { view: () => Promise.reject(new Error('This server reports nothing.')) },
  },
  log,
  host: config.host,
  port: config.port,
  environment: config.environment,
  sandbox: config.sandbox,
  pages: null,
  introspection: config.introspection,
  federation: config.federation,
  corsOrigins: config.corsOrigins,
  requestTimeoutMs: config.requestTimeoutMs,
  bounds: config,
  readNodesMax: config.readNodesMax,
  shutdownGraceMs: config.shutdownGraceMs,
  readiness: () => Promise.resolve({ ready: true, details: {} }),
  documents,
  persisted: new AutomaticDocuments(),
  compiled,
  metrics: stockadeMetrics({
    lock: null,
    feed: null,
    publisher: null,
    documents,
    authenticator: null,
    requestLimit: null,
  }),
  trustedProxies: [],
  authenticator: new BearerAuthenticator({ apiKeys, jwts: null, failuresMaxPerAddress: 20 }),
  requestLimit,
});

process.on('SIGTERM', () => {
  void server.stop().then(() => process.exit(0));
});
await requestLimit?.start();
await server.start();
