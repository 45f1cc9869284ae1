/** The only scalar of our own. As an input it only finds things: the database's clock decides all times. */
import { GraphQLError, GraphQLScalarType, Kind } from 'graphql';

/** RFC 3339, with a zone: a moment without one would be another moment for each client. */
const FORM = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)$/i;

export const DateTime = new GraphQLScalarType<Date, string>({
  name: 'DateTime',
  description:
    "A moment, such as `2026-11-24T09:30:00.000Z`. All moments are read from the database's clock, in UTC.",
  serialize: (value) => {
    if (value instanceof Date) return value.toISOString();
    throw new GraphQLError(`A DateTime must be a Date; got ${typeof value}.`);
  },
  parseValue: toMoment,
  parseLiteral: (node) => toMoment(node.kind === Kind.STRING ? node.value : null),
});

/** Milliseconds; what is finer is cut off. */
function toMoment(given: unknown): Date {
  const moment = typeof given === 'string' && FORM.test(given) ? new Date(given) : null;
  const year = moment?.getUTCFullYear() ?? NaN;
  // What MySQL can compare.
  if (!moment || !(year >= 1000 && year <= 9999)) {
    throw new GraphQLError(
      `A DateTime must be a moment with a zone, such as 2026-11-24T09:30:00.000Z; got ${JSON.stringify(given)}.`,
    );
  }
  return moment;
}
