/** The only scalar of our own. It is never an input: the database's clock decides all times. */
import { GraphQLError, GraphQLScalarType } from 'graphql';

export const DateTime = new GraphQLScalarType<never, string>({
  name: 'DateTime',
  description:
    "A moment in UTC, such as `2026-11-24T09:30:00.000Z`. All moments are read from the database's clock.",
  serialize: (value) => {
    if (value instanceof Date) return value.toISOString();
    throw new GraphQLError(`A DateTime must be a Date; got ${typeof value}.`);
  },
});
