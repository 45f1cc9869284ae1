/** What a client gets of an error: one in the table under its code, any other as an id alone. */
import { GraphQLError } from 'graphql';
import { pino } from 'pino';
import { createErrorTable } from '../../../src/graphql/format-error.js';
import { InvalidRequestError } from '../../../src/inventory/operation.js';
import { IdempotencyKeyReusedError } from '../../../src/inventory/stock-request.js';
import { InvalidCursorError } from '../../../src/inventory/pages.js';
import { StorageUnavailableError } from '../../../src/inventory/stock-store.js';

const SECRET = 'connect ECONNREFUSED 10.1.2.3:3306 as shop';

function formatted(error: Error, { suggestions = false } = {}) {
  const logged: string[] = [];
  const log = pino({}, { write: (line: string) => logged.push(line) });
  const { formatError } = createErrorTable({
    log,
    suggestions,
    refusals: { add: () => undefined },
  });
  // As Apollo does: what a resolver throws is wrapped, with its code if it has one.
  const wrapped =
    error instanceof GraphQLError
      ? error
      : new GraphQLError(error.message, { originalError: error, path: ['product'] });
  const code = wrapped.extensions.code ?? 'INTERNAL_SERVER_ERROR';
  const extensions = { ...wrapped.extensions, code };
  return { heard: formatError({ ...wrapped.toJSON(), extensions }, wrapped), log: logged.join() };
}

test.each<[error: Error, extensions: object]>([
  [new InvalidRequestError('Too many.', 'items'), { code: 'BAD_USER_INPUT', field: 'items' }],
  [new InvalidCursorError(), { code: 'BAD_USER_INPUT' }],
  [new IdempotencyKeyReusedError(false), { code: 'IDEMPOTENCY_KEY_REUSED' }],
  [new StorageUnavailableError(new Error(SECRET)), { code: 'UNAVAILABLE' }],
])('%s passes under its code, without its cause', (error, extensions) => {
  const { heard } = formatted(error);
  expect(heard).toMatchObject({ message: error.message, path: ['product'] });
  expect(heard.extensions).toEqual(extensions);
  expect(JSON.stringify(heard)).not.toContain(SECRET);
});

test.each([
  'GRAPHQL_PARSE_FAILED',
  'GRAPHQL_VALIDATION_FAILED',
  'OPERATION_RESOLUTION_FAILURE',
  'PERSISTED_QUERY_NOT_FOUND',
  'BAD_REQUEST',
  'BAD_USER_INPUT',
])('%s of GraphQL or Apollo passes', (code) => {
  const error = new GraphQLError('As it is.', { extensions: { code } });
  expect(formatted(error).heard).toMatchObject({ message: 'As it is.', extensions: { code } });
});

test.each<[what: string, error: Error]>([
  ['a plain error', new Error(SECRET)],
  ['an error with a code of its own', Object.assign(new Error(SECRET), { code: 'BAD_USER_INPUT' })],
  [
    'a library’s error that looks like one of GraphQL’s',
    Object.assign(new Error(SECRET), { extensions: { code: 'BAD_USER_INPUT', host: SECRET } }),
  ],
  ['an error of GraphQL without a code', new GraphQLError(SECRET)],
  ['an unknown code', new GraphQLError(SECRET, { extensions: { code: 'ER_DUP_ENTRY' } })],
])('%s becomes an internal error, and only the log has its cause', (_, error) => {
  const { heard, log } = formatted(error);
  expect(heard.message).toBe('Internal error');
  expect(Object.keys(heard.extensions ?? {}).sort()).toEqual(['code', 'correlationId']);
  expect(heard.extensions?.code).toBe('INTERNAL_SERVER_ERROR');
  expect(JSON.stringify(heard)).not.toContain(SECRET);
  expect(log).toContain(SECRET);
  expect(log).toContain(heard.extensions?.correlationId);
});

test('suggestions are removed where introspection is off', () => {
  const error = new GraphQLError('Cannot query field "nam". Did you mean "name" or "id"?', {
    extensions: { code: 'GRAPHQL_VALIDATION_FAILED' },
  });
  expect(formatted(error).heard.message).toBe('Cannot query field "nam".');
  expect(formatted(error, { suggestions: true }).heard.message).toContain(
    'Did you mean "name" or "id"?',
  );
});
