/**
 * Writes schema/schema.graphql and schema/subgraph.graphql, sorted, so that a change of the schema is a readable
 * difference.
 */
import { writeFileSync } from 'node:fs';
import { lexicographicSortSchema, printSchema } from 'graphql';
import { subgraphSdl } from './federation.js';
import { buildStockadeSchema } from './schema.js';

writeFileSync(
  'schema/schema.graphql',
  `${printSchema(lexicographicSortSchema(buildStockadeSchema()))}\n`,
);
writeFileSync('schema/subgraph.graphql', subgraphSdl(buildStockadeSchema()));
