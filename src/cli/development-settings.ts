/** The settings of a development server, and whether its port can be had, checked before anything is started. */
import { createServer } from 'node:net';
import { ServiceError } from '../../services/service-errors.js';
import { loadConfig, type Config } from '../config.js';

/** Stand in for addresses that are not known yet, so that all variables are checked before anything is started. */
export const PLACE_HOLDERS = {
  mysqlUrl: 'mysql://root@127.0.0.1:3306/stockade',
  redisUrl: 'redis://127.0.0.1:6379',
};

export interface ServiceUrls {
  readonly mysqlUrl: string;
  readonly redisUrl: string;
}

/** Variables that the user set win over the defaults of development. */
export function developmentEnvironment(urls: ServiceUrls): Record<string, string | undefined> {
  const given = Object.fromEntries(Object.entries(process.env).filter(([, value]) => value !== ''));
  return {
    PORT: '4000',
    HOST: '127.0.0.1',
    LOG_LEVEL: 'warn',
    SHUTDOWN_GRACE_MS: '1000',
    MYSQL_URL: urls.mysqlUrl,
    REDIS_URL: urls.redisUrl,
    ...given,
    NODE_ENV: 'development',
  };
}

/** @throws ConfigError */
export function configure(urls: ServiceUrls): Config {
  return loadConfig(developmentEnvironment(urls));
}

/** @throws ServiceError where the port cannot be listened on. */
export async function assertPortIsFree(host: string, port: number): Promise<void> {
  if (port === 0) return;
  await new Promise<void>((resolve, reject) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => {
      reject(new ServiceError(explainPort(error, host, port), { cause: error }));
    });
    server.listen({ host, port, exclusive: true }, () => {
      server.close(() => {
        resolve();
      });
    });
  });
}

function explainPort(error: NodeJS.ErrnoException, host: string, port: number): string {
  switch (error.code) {
    case 'EADDRINUSE':
      return `Port ${port} is taken by another program; choose a free one, as in PORT=${port + 1} npm run dev.`;
    case 'EACCES':
      return `This user may not listen on port ${port}; choose one above 1023, as in PORT=4000 npm run dev.`;
    default:
      return `HOST=${host} is no address on which this machine can listen (${error.code ?? error.message}).`;
  }
}
