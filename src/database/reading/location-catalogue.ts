/** LocationCatalogue on MySQL. */
import type { Deadline } from '../../time/deadline.js';
import type { Sequelize } from 'sequelize';
import { DEFAULT_LOCATION_ID } from '../../inventory/stock.js';
import type { Location, LocationCatalogue } from '../../inventory/locations.js';
import type { Reader } from '../reader.js';
import { Statements, committedValue, runTransaction } from '../writing/transactions.js';

export class MysqlLocationCatalogue implements LocationCatalogue {
  constructor(private readonly pools: { readonly reader: Reader; readonly writer: Sequelize }) {}

  async locations(deadline: Deadline): Promise<readonly Location[]> {
    const rows = await this.pools.reader.list<Pick<Location, 'id' | 'name'>>(
      `SELECT id, name FROM locations ORDER BY id <> ?, id`,
      [DEFAULT_LOCATION_ID],
      deadline,
    );
    return rows.map(toLocation);
  }

  async locationsByIds(ids: readonly string[], deadline: Deadline): Promise<readonly Location[]> {
    const rows = await this.pools.reader.one<Pick<Location, 'id' | 'name'>>(
      'SELECT id, name FROM locations WHERE id IN (?)',
      [ids],
      deadline,
    );
    return rows.map(toLocation);
  }

  async createLocation(
    location: Pick<Location, 'id' | 'name'>,
    deadline: Deadline,
  ): Promise<Location | null> {
    const outcome = await runTransaction(
      this.pools.writer,
      deadline,
      async ({ transaction, commitFailed }) => {
        const statements = new Statements(this.pools.writer, transaction);
        // An unchanged row counts as 0 and a new one as 1, because the connection does not ask for FOUND_ROWS.
        const created = await statements.write(
          'INSERT INTO locations (id, name) VALUES (?, ?) ON DUPLICATE KEY UPDATE id = locations.id',
          [location.id, location.name],
        );
        if (created > 0) return true;
        if (!commitFailed) return false;
        // After a COMMIT that was sent and failed, an equal location counts as created by this call.
        const [found] = await statements.read<{ name: string }>(
          'SELECT name FROM locations WHERE id = ?',
          [location.id],
        );
        return found?.name === location.name;
      },
    );
    return committedValue(outcome) ? toLocation(location) : null;
  }

  async renameLocation(
    location: Pick<Location, 'id' | 'name'>,
    deadline: Deadline,
  ): Promise<Location | null> {
    const { writer } = this.pools;
    const outcome = await runTransaction(writer, deadline, async ({ transaction }) => {
      const statements = new Statements(writer, transaction);
      // A row that has this name already counts as 0, so the count does not tell whether there is one.
      const [found] = await statements.read('SELECT id FROM locations WHERE id = ? FOR UPDATE', [
        location.id,
      ]);
      if (!found) return false;
      await statements.write('UPDATE locations SET name = ? WHERE id = ?', [
        location.name,
        location.id,
      ]);
      return true;
    });
    return committedValue(outcome) ? toLocation(location) : null;
  }
}

function toLocation({ id, name }: Pick<Location, 'id' | 'name'>): Location {
  return { id, name, isDefault: id === DEFAULT_LOCATION_ID };
}
