/** Opens a connection as the ssl-mode of the address says. Sequelize's own way knows no PREFERRED. */
import type { Sequelize } from 'sequelize';
import type { MysqlHost, MysqlTls } from './mysql-address.js';
import type { Session } from './server-state.js';
import { connectAs, driverTls, originalOf, type DriverTls } from './tls-options.js';

/** Sequelize's configuration of a connection, as far as it is changed here. */
export interface ConnectConfig extends MysqlHost {
  readonly dialectOptions: object;
}

/** The used part of Sequelize's connection manager, which its types leave out. */
export interface Connector {
  connect(config: ConnectConfig): Promise<Session>;
  validate(connection: Session): boolean;
}

export type Connect = Connector['connect'];

export function connectorOf(sequelize: Sequelize): Connector {
  return sequelize.connectionManager as unknown as Connector;
}

/** @throws MysqlAddressError where a file of the address cannot be read. */
export function encrypted(connect: Connect, tls: MysqlTls): Connect {
  const ssl = driverTls(tls);
  return (config) =>
    connectAs(tls, ssl, (used) =>
      connect(withTls(config, used)).catch((error: unknown) => {
        throw markClear(error, used);
      }),
    );
}

function withTls(config: ConnectConfig, ssl: DriverTls | null): ConnectConfig {
  return ssl ? { ...config, dialectOptions: { ...config.dialectOptions, ssl } } : config;
}

/** MySQL refuses a user of REQUIRE SSL in the words of a wrong password, so the error says how it was asked. */
function markClear(error: unknown, ssl: DriverTls | null): unknown {
  if (!ssl) originalOf(error).wasClear = true;
  return error;
}
