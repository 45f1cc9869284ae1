/**
 * Writes schema/schema.graphql, schema/subgraph.graphql and schema/development.graphql, sorted, so that a change of the
 * schema is a readable difference.
 */
import { writeFileSync } from 'node:fs';
import { lexicographicSortSchema, printSchema } from 'graphql';
import { subgraphSdl } from './federation.js';
import { buildStockadeSchema } from './schema.js';

for (const [name, development] of [
  ['schema', false],
  ['development', true],
] as const) {
  const sorted = lexicographicSortSchema(buildStockadeSchema({ development }));
  writeFileSync(`schema/${name}.graphql`, `${printSchema(sorted)}\n`);
}
writeFileSync('schema/subgraph.graphql', subgraphSdl(buildStockadeSchema()));
