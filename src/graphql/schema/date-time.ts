/** The schema's only scalar of its own. It is never an input: times are decided by the database's clock. */
import { GraphQLError, GraphQLScalarType } from 'graphql';

export const DateTime = new GraphQLScalarType<never, string>({
  name: 'DateTime',
  description:
    "A moment in UTC, as in `2026-11-24T09:30:00.000Z`. All of them are decided by the database's clock.",
  serialize: (value) => {
    if (value instanceof Date) return value.toISOString();
    throw new GraphQLError('A DateTime is made from a Date.');
  },
});
