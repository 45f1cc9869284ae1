import {
  available,
  faultOf,
  isNotWritable,
  isRolledBackForCertain,
  ReadAgainError,
  UnexpectedRowCountError,
} from '../../../src/database/errors.js';
import { StorageUnavailableError } from '../../../src/inventory/stock-store.js';

/** As Sequelize hands on an error that mysql2 has read from the server's packet. */
function serverError(errno: number, sqlMessage = 'in any language'): Error {
  const original = Object.assign(new Error(sqlMessage), { errno, sqlMessage });
  return Object.assign(new Error(sqlMessage), { name: 'SequelizeDatabaseError', original });
}

test.each([
  [9001, 'ProxySQL has reached no server in time'],
  [2006, 'a proxy hands on that the server has gone away'],
  [2013, 'a proxy hands on that the connection was lost'],
  [2003, 'MySQL Router reaches no server'],
  [1047, 'Galera is not ready'],
  [1203, 'the user has too many connections'],
  [1226, 'a limit of the account is reached'],
  [1290, 'the server is read-only'],
  [1792, 'the transaction is read-only'],
  [1836, 'the server is in read-only mode'],
  [3032, 'the server is in offline mode'],
  [3100, 'the group refuses the transaction'],
  [3797, 'the group does not reach the wanted consistency'],
])('%d makes the database unavailable: %s', async (errno) => {
  expect(faultOf(serverError(errno))).toBe('UNREACHABLE');
  const read = available(() => Promise.reject(serverError(errno)));
  await expect(read).rejects.toThrow(StorageUnavailableError);
});

test.each([1213, 3101, 1062, 9007])('%d is a lost race and was certainly rolled back', (errno) => {
  expect(faultOf(serverError(errno))).toBe('LOST_RACE');
  expect(isRolledBackForCertain(serverError(errno))).toBe(true);
});

test.each([
  "Got error 149 - 'Lock deadlock; Retry transaction' during COMMIT",
  'Fehler 149 beim COMMIT',
])('an engine that gave a transaction up at COMMIT has rolled it back: %s', (message) => {
  const error = serverError(1180, message);
  expect(isRolledBackForCertain(error)).toBe(true);
  expect(faultOf(error)).toBe('LOST_RACE');
});

test.each([
  'Got error 6 "No such device or address" during COMMIT',
  'Got error 5 "Input/output error" during COMMIT',
  "Got error 1149 - 'Unknown error 1149' during COMMIT",
])('any other error during COMMIT leaves its outcome unknown: %s', (message) => {
  const error = serverError(1180, message);
  expect(isRolledBackForCertain(error)).toBe(false);
  expect(faultOf(error)).toBe('UNREACHABLE');
});

test.each([2013, 3100, 1047, 1317, 1598])('%d at COMMIT leaves its outcome unknown', (errno) => {
  expect(isRolledBackForCertain(serverError(errno))).toBe(false);
});

test('only what a server says that takes no writes now makes another one be looked for', () => {
  const said = [1047, 1290, 1792, 1836, 3100, 3796];
  expect(said.filter((errno) => !isNotWritable(serverError(errno)))).toEqual([]);
  const other = [1040, 1062, 1146, 1205, 1213, 1317, 2013, 3101];
  expect(other.filter((errno) => isNotWritable(serverError(errno)))).toEqual([]);
});

test('an error of the statement itself is a defect, and is thrown as it is', async () => {
  const noSuchTable = serverError(1146);
  expect(faultOf(noSuchTable)).toBe('BUG');
  await expect(available(() => Promise.reject(noSuchTable))).rejects.toBe(noSuchTable);
});

test('this program’s own signs of a lost race are lost races', () => {
  expect(faultOf(new UnexpectedRowCountError(2, 1))).toBe('LOST_RACE');
  expect(faultOf(new ReadAgainError())).toBe('LOST_RACE');
});
