/** Writes schema/schema.graphql, sorted, so that a change of the schema is a readable difference. */
import { writeFileSync } from 'node:fs';
import { lexicographicSortSchema, printSchema } from 'graphql';
import { buildStockadeSchema } from './schema.js';

writeFileSync(
  'schema/schema.graphql',
  `${printSchema(lexicographicSortSchema(buildStockadeSchema()))}\n`,
);
