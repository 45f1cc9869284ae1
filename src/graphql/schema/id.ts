/**
 * GraphQL's `ID` without one trap: JSON numbers beyond 2^53 are rounded before GraphQL sees them, so a number would
 * name another product than the caller wrote. An int literal in the text of an operation is kept digit by digit.
 */
import { GraphQLError, GraphQLID, GraphQLScalarType } from 'graphql';

export const ID = new GraphQLScalarType<string>({
  ...GraphQLID.toConfig(),
  parseValue: (value) => {
    if (typeof value === 'number' && !Number.isSafeInteger(value)) {
      throw new GraphQLError(
        `An id must be a string or a safe integer; got ${value}. Send a string.`,
      );
    }
    return GraphQLID.parseValue(value);
  },
});
