/** Runs a command with MYSQL_URL naming a private MariaDB, which is stopped after it. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { startPrivateMysql } from '../dist/services/private-mysql.js';

const [command, ...args] = process.argv.slice(2);
const mariadb = await startPrivateMysql({ flavour: 'mariadb' });
try {
  console.log(`  MariaDB ${mariadb.version} ${mariadb.where}`);
  const env = { ...process.env, MYSQL_URL: mariadb.url };
  const child = spawn(command, args, { stdio: 'inherit', env });
  const [code] = await once(child, 'exit');
  process.exitCode = code ?? 1;
} finally {
  await mariadb.stop();
}
