/** Catalogues on a test's own pool, with a deadline that the tests never reach. */
import type { Sequelize } from 'sequelize';
import { Reader } from '../../src/database/reader.js';
import { systemClock } from '../../src/time/clock.js';
import { Deadline } from '../../src/time/deadline.js';

const CONNECTIONS = 4;

/** What catalogues need, all of it on this one pool. */
export function onePool(sequelize: Sequelize): {
  readonly reader: Reader;
  readonly writer: Sequelize;
} {
  const reader = new Reader({ reader: sequelize, control: sequelize }, CONNECTIONS);
  return { reader, writer: sequelize };
}

export function inTenSeconds(): Deadline {
  return Deadline.in(10_000, systemClock);
}
