/** LocationCatalogue on MySQL. */
import { QueryTypes, type Sequelize } from 'sequelize';
import { DEFAULT_LOCATION_ID } from '../inventory/stock.js';
import {
  StorageUnavailableError,
  type Location,
  type LocationCatalogue,
} from '../inventory/stock-store.js';
import { available } from './errors.js';
import { runTransaction } from './transactions.js';

export class SequelizeLocationCatalogue implements LocationCatalogue {
  constructor(private readonly pools: { readonly reader: Sequelize; readonly writer: Sequelize }) {}

  async locations(): Promise<readonly Location[]> {
    const rows = await available(() =>
      this.pools.reader.query<Pick<Location, 'id' | 'name'>>(
        `SELECT id, name FROM locations ORDER BY id <> ?, id`,
        { replacements: [DEFAULT_LOCATION_ID], type: QueryTypes.SELECT },
      ),
    );
    return rows.map(toLocation);
  }

  async createLocation(
    location: Pick<Location, 'id' | 'name'>,
    deadlineMs: number,
  ): Promise<Location | null> {
    const outcome = await runTransaction(
      this.pools.writer,
      deadlineMs,
      async ({ transaction, settling }) => {
        // An unchanged row counts as 0 and a new one as 1, because the connection does not ask for FOUND_ROWS.
        const created = await this.pools.writer.query(
          'INSERT INTO locations (id, name) VALUES (?, ?) ON DUPLICATE KEY UPDATE id = locations.id',
          {
            replacements: [location.id, location.name],
            transaction,
            type: QueryTypes.BULKUPDATE,
          },
        );
        if (created > 0) return true;
        if (!settling) return false;
        // An earlier COMMIT was never answered. Whoever created the very same location did what we wanted.
        const [found] = await this.pools.writer.query<{ name: string }>(
          'SELECT name FROM locations WHERE id = ?',
          { replacements: [location.id], transaction, type: QueryTypes.SELECT },
        );
        return found?.name === location.name;
      },
    );
    if (outcome.outcome === 'COMMITTED') return outcome.value ? toLocation(location) : null;
    throw new StorageUnavailableError('cause' in outcome ? outcome.cause : outcome.outcome);
  }
}

function toLocation({ id, name }: Pick<Location, 'id' | 'name'>): Location {
  return { id, name, isDefault: id === DEFAULT_LOCATION_ID };
}
