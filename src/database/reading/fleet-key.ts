/** The key by which the servers of a fleet know each other's messages. A migration has made it. */
import { QueryTypes, type Sequelize } from 'sequelize';
import { available } from '../errors.js';

/** @throws StorageUnavailableError; an Error where the key was deleted. */
export async function readFleetKey(sequelize: Sequelize): Promise<Buffer> {
  const [row] = await available(() =>
    sequelize.query<{ secret: Buffer }>(`SELECT secret FROM fleet_keys WHERE name = 'delegation'`, {
      type: QueryTypes.SELECT,
    }),
  );
  if (!row) throw new Error('The table fleet_keys has lost the key of the fleet.');
  return row.secret;
}
