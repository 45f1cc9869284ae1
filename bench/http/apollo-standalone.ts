/**
 * Apollo Server out of the box, as its documentation starts it: a schema in SDL, plain resolvers, and
 * startStandaloneServer. It answers from memory, or deducts as the contender named by BENCH_CONTENDER does.
 */
import { ApolloServer } from '@apollo/server';
import { startStandaloneServer } from '@apollo/server/standalone';
import type { Contender } from '../contenders/contender.js';
import { contenderOf } from '../contenders/roster.js';
import { PLAIN_SDL, memoryResolvers, resolversOf, typeOfResult } from './plain-schema.js';

const { BENCH_CONTENDER, MYSQL_URL = '', REDIS_URL = '', HOST, PORT } = process.env;
const contender = BENCH_CONTENDER === undefined ? null : await openContender(BENCH_CONTENDER);

const server = new ApolloServer({
  typeDefs: PLAIN_SDL,
  resolvers: {
    DeductStockResult: { __resolveType: typeOfResult },
    Mutation: contender ? resolversOf((line) => contender.deduct(line)) : memoryResolvers,
  },
});
await startStandaloneServer(server, { listen: { host: HOST, port: Number(PORT) } });

process.on('SIGTERM', () => {
  void server
    .stop()
    .then(() => contender?.close())
    .then(() => process.exit(0));
});

/** Its first form has a pool of 10, as the product has here. */
function openContender(name: string): Promise<Contender> {
  const kind = contenderOf(name);
  const [form] = kind.forms;
  if (!form) throw new Error(`${name} has no form.`);
  return kind.open({ mysqlUrl: MYSQL_URL, redisUrl: REDIS_URL }, form);
}
